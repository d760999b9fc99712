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

/* Puts the name of one inode in front of what is already at the end of a buffer. */
struct name_finder {
	struct direntsink nf_sink;
	uint64_t nf_ino;
	char *nf_buf;
	size_t nf_at; /* first byte used */
	int nf_error; /* ENOENT until found */
};

static bool find_name(
    struct direntsink *ds, const struct name *name, uint64_t ino, mode_t type, int64_t next)
{
	struct name_finder *nf = container_of(ds, struct name_finder, nf_sink);

	if (ino != nf->nf_ino || name->n_str[0] == '.') {
		bool dots = name->n_len == 1 || (name->n_len == 2 && name->n_str[1] == '.');
		if (ino != nf->nf_ino || dots)
			return true;
	}
	if (nf->nf_at < name->n_len + 1) {
		nf->nf_error = ENAMETOOLONG;
		return false;
	}
	nf->nf_at -= name->n_len;
	memcpy(nf->nf_buf + nf->nf_at, name->n_str, name->n_len);
	nf->nf_buf[--nf->nf_at] = '/';
	nf->nf_error = 0;
	return false;
}

/* at's name, then its parent takes its place. */
static int prepend_name(struct name_finder *nf, struct vnode **atp)
{
	struct vnode *at = *atp, *up;
	struct stat st;
	int64_t off = 0;
	int error;

	/* A mounted root goes by the name of the directory it covers. */
	while (at == at->v_mount->mnt_root) {
		struct vnode *covered = at->v_mount->mnt_covered;
		vref(covered);
		vrele(at);
		*atp = at = covered;
	}
	error = vfs_stat(at, &st);
	if (error)
		return error;
	vref(at);
	error = vfs_parent(at, &up);
	if (error)
		return error;
	nf->nf_ino = st.st_ino;
	nf->nf_error = ENOENT;
	rw_enter(&up->v_lock, RW_READER);
	error = up->v_op->vop_readdir ? up->v_op->vop_readdir(up, &off, &nf->nf_sink) : ENOENT;
	rw_exit(&up->v_lock);
	vrele(at);
	*atp = up;
	return error ? error : nf->nf_error;
}

static int get_cwd(char *ubuf, size_t len, size_t *done)
{
	struct name_finder nf = {.nf_sink = {find_name}, .nf_at = VFS_PATH_MAX - 1};
	struct vnode *at;
	int error = 0;

	nf.nf_buf = kmem_alloc(VFS_PATH_MAX);
	if (!nf.nf_buf)
		return ENOMEM;
	nf.nf_buf[nf.nf_at] = '\0';
	at = vfs_cwd();
	if (at == vfs_root)
		nf.nf_buf[--nf.nf_at] = '/';
	while (at != vfs_root && !error)
		error = prepend_name(&nf, &at);
	vrele(at);
	*done = VFS_PATH_MAX - nf.nf_at;
	if (!error)
		error = *done > len ? ERANGE : copyout(nf.nf_buf + nf.nf_at, ubuf, *done);
	kmem_free(nf.nf_buf, VFS_PATH_MAX);
	return error;
}

long do_sys_getcwd(char *buf, size_t len)
{
	size_t done = 0;
	int error = get_cwd(buf, len, &done);

	return sysret(error, (long)done);
}
