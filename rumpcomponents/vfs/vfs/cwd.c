/* SPDX-License-Identifier: BSD-2-Clause */
/* The current directory and the file mode mask. */
#include <fcntl.h>
#include <kern/kmem.h>
#include <kern/sysproto.h>
#include "vfs_impl.h"

static struct vnode *volatile cwd; /* a reference, under vfs_rename_lock; NULL: the root */
static volatile mode_t mask = 022;

mode_t vfs_umask(void)
{
	return mask;
}

long do_sys_umask(mode_t new)
{
	return (long)__atomic_exchange_n(&mask, new & 0777, __ATOMIC_RELAXED);
}

struct vnode *vfs_cwd(void)
{
	struct vnode *vp;

	if (!cwd) {
		vref(vfs_root);
		return vfs_root;
	}
	mutex_enter(&vfs_rename_lock);
	vp = cwd;
	vref(vp);
	mutex_exit(&vfs_rename_lock);
	return vp;
}

/* vp's reference is taken over. */
static int change_dir(struct vnode *vp)
{
	struct vnode *old;

	if (!vn_isdir(vp)) {
		vrele(vp);
		return ENOTDIR;
	}
	mutex_enter(&vfs_rename_lock);
	old = cwd;
	cwd = vp;
	mutex_exit(&vfs_rename_lock);
	if (old)
		vrele(old);
	return 0;
}

long do_sys_chdir(const char *path)
{
	struct vnode *vp;
	int error = vfs_lookup_user(AT_FDCWD, path, NI_FOLLOW, &vp);

	return sysret(error ? error : change_dir(vp), 0);
}

long do_sys_fchdir(int fd)
{
	struct vnode *vp;
	int error = vfs_fdvnode(fd, ENOTDIR, &vp);

	return sysret(error ? error : change_dir(vp), 0);
}

static int get_cwd(char *ubuf, size_t len, size_t *done)
{
	struct vnode *at = vfs_cwd();
	char *buf = kmem_alloc(VFS_PATH_MAX), *path;
	int error = buf ? vfs_pathname(at, buf, &path) : ENOMEM;

	vrele(at);
	if (!error) {
		*done = strlen(path) + 1;
		error = *done > len ? ERANGE : copyout(path, ubuf, *done);
	}
	if (buf)
		kmem_free(buf, VFS_PATH_MAX);
	return error;
}

long do_sys_getcwd(char *buf, size_t len)
{
	size_t done = 0;
	int error = get_cwd(buf, len, &done);

	return sysret(error, (long)done);
}
