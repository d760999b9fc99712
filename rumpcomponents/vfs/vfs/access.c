/* SPDX-License-Identifier: BSD-2-Clause */
/* access(2), readlink(2), statfs(2): asking without opening. */
#include <fcntl.h>
#include <unistd.h>
#include <kern/kmem.h>
#include <kern/sysproto.h>
#include "vfs_impl.h"

long do_sys_faccessat2(int dirfd, const char *path, int mode, int flags)
{
	struct vnode *vp;
	struct stat st;
	int error;

	if (mode & ~(R_OK | W_OK | X_OK) ||
	    flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return sysret(EINVAL, 0);
	error = vfs_lookup_user(dirfd, path,
	    (flags & AT_SYMLINK_NOFOLLOW ? 0 : NI_FOLLOW) | (flags & AT_EMPTY_PATH ? NI_EMPTY : 0),
	    &vp);
	if (error)
		return sysret(error, 0);
	error = vfs_stat(vp, &st);
	/* The program is root: it may do all but execute what nobody may. */
	if (!error && mode & X_OK && !vn_isdir(vp) && !(st.st_mode & 0111))
		error = EACCES;
	if (!error && mode & W_OK && !vp->v_op->vop_setattr)
		error = EROFS;
	vrele(vp);
	return sysret(error, 0);
}

long do_sys_faccessat(int dirfd, const char *path, int mode)
{
	return do_sys_faccessat2(dirfd, path, mode, 0);
}

long do_sys_access(const char *path, int mode)
{
	return do_sys_faccessat2(AT_FDCWD, path, mode, 0);
}

static int read_link(struct vnode *vp, char *ubuf, size_t len, size_t *done)
{
	char *buf;
	int error;

	if (!vp->v_op->vop_readlink)
		return EINVAL;
	*done = KMIN(len, VFS_PATH_MAX);
	buf = kmem_alloc(VFS_PATH_MAX);
	if (!buf)
		return ENOMEM;
	rw_enter(&vp->v_lock, RW_READER);
	error = vp->v_op->vop_readlink(vp, buf, done);
	rw_exit(&vp->v_lock);
	if (!error)
		error = copyout(buf, ubuf, *done);
	kmem_free(buf, VFS_PATH_MAX);
	return error;
}

long do_sys_readlinkat(int dirfd, const char *path, char *buf, size_t len)
{
	struct vnode *vp;
	size_t done = 0;
	int error;

	if (len == 0 || len > INT32_MAX)
		return sysret(EINVAL, 0);
	error = vfs_lookup_user(dirfd, path, dirfd == AT_FDCWD ? 0 : NI_EMPTY, &vp);
	if (error)
		return sysret(error, 0);
	error = read_link(vp, buf, len, &done);
	vrele(vp);
	return sysret(error, (long)done);
}

long do_sys_readlink(const char *path, char *buf, size_t len)
{
	return do_sys_readlinkat(AT_FDCWD, path, buf, len);
}

static int stat_mount(struct vnode *vp, struct statfs *ubuf)
{
	struct mount *mp = vp->v_mount;
	struct statfs sf;
	int error;

	memset(&sf, 0, sizeof(sf));
	sf.f_namelen = VFS_NAME_MAX;
	sf.f_bsize = sf.f_frsize = PAGE_SIZE;
	memcpy(&sf.f_fsid, &mp->mnt_dev, sizeof(sf.f_fsid));
	error = mp->mnt_statfs ? mp->mnt_statfs(mp, &sf) : 0;
	return error ? error : copyout(&sf, ubuf, sizeof(sf));
}

long do_sys_statfs(const char *path, struct statfs *buf)
{
	struct vnode *vp;
	int error = vfs_lookup_user(AT_FDCWD, path, NI_FOLLOW, &vp);

	if (error)
		return sysret(error, 0);
	error = stat_mount(vp, buf);
	vrele(vp);
	return sysret(error, 0);
}

long do_sys_fstatfs(int fd, struct statfs *buf)
{
	struct vnode *vp;
	int error = vfs_fdvnode(fd, ENOSYS, &vp);

	if (error)
		return sysret(error, 0);
	error = stat_mount(vp, buf);
	vrele(vp);
	return sysret(error, 0);
}
