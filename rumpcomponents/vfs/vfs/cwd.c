/* SPDX-License-Identifier: BSD-2-Clause */
/* The current directory and the file mode mask. */
#include <fcntl.h>
#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/proc.h>
#include <kern/sysproto.h>
#include "vfs_impl.h"

struct cwdinfo {
	struct vnode *volatile dir; /* a reference, under vfs_rename_lock; NULL: the root */
	volatile mode_t mask;
};
static struct cwdinfo cwd_first = {.mask = 022};

static struct cwdinfo *cwd_current(void)
{
	return curproc->p_cwd ? curproc->p_cwd : &cwd_first;
}

mode_t vfs_umask(void)
{
	return cwd_current()->mask;
}

long do_sys_umask(mode_t new)
{
	return (long)__atomic_exchange_n(&cwd_current()->mask, new & 0777, __ATOMIC_RELAXED);
}

struct vnode *vfs_cwd(void)
{
	struct cwdinfo *c = cwd_current();
	struct vnode *vp;

	if (!c->dir) {
		vref(vfs_root);
		return vfs_root;
	}
	mutex_enter(&vfs_rename_lock);
	vp = c->dir;
	vref(vp);
	mutex_exit(&vfs_rename_lock);
	return vp;
}

/* vp's reference is taken over. */
static int change_dir(struct vnode *vp)
{
	struct cwdinfo *c = cwd_current();
	struct vnode *old;

	if (!vn_isdir(vp)) {
		vrele(vp);
		return ENOTDIR;
	}
	mutex_enter(&vfs_rename_lock);
	old = c->dir;
	c->dir = vp;
	mutex_exit(&vfs_rename_lock);
	if (old)
		vrele(old);
	return 0;
}

int vfs_proc_fork(struct proc *new)
{
	struct cwdinfo *from = cwd_current(), *c = kmem_alloc(sizeof(*c));

	if (!c)
		return ENOMEM;
	mutex_enter(&vfs_rename_lock);
	c->mask = from->mask;
	c->dir = from->dir;
	if (c->dir)
		vref(c->dir);
	mutex_exit(&vfs_rename_lock);
	new->p_cwd = c;
	return 0;
}

void vfs_proc_exit(struct proc *p)
{
	struct cwdinfo *c = p->p_cwd;

	if (!c)
		return;
	p->p_cwd = NULL;
	if (c->dir)
		vrele(c->dir);
	kmem_free(c, sizeof(*c));
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
