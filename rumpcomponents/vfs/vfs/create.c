/* SPDX-License-Identifier: BSD-2-Clause */
/* New names: mkdir, mknod, symlink, link. */
#include <fcntl.h>
#include <kern/sysproto.h>
#include "vfs_impl.h"

int vfs_create_at(struct nameidata *nd, const struct vattr *va, struct vnode **vpp)
{
	struct vnode *dvp = nd->nd_dvp, *vp;
	int error;

	if (!dvp->v_op->vop_create)
		return EROFS;
	rw_enter(&dvp->v_lock, RW_WRITER);
	error = vfs_lookup_locked(dvp, &nd->nd_name, &vp);
	if (error == 0) {
		vrele(vp);
		error = EEXIST;
	} else if (error == ENOENT) {
		error = dvp->v_op->vop_create(dvp, &nd->nd_name, va, &vp);
		if (!error) {
			cache_enter(dvp, &nd->nd_name, vp);
			*vpp = vp;
		}
	}
	rw_exit(&dvp->v_lock);
	return error;
}

int vn_create(int dirfd, const char *path, const struct vattr *va, struct vnode **vpp)
{
	struct nameidata nd;
	struct vnode *vp;
	int error = namei(dirfd, path, NI_PARENT, &nd);

	if (error)
		return error;
	if (nd.nd_vp)
		error = EEXIST;
	else if (nd.nd_slash && !S_ISDIR(va->va_mode))
		error = ENOENT;
	else
		error = vfs_create_at(&nd, va, &vp);
	namei_done(&nd);
	if (error)
		return error;
	if (vpp)
		*vpp = vp;
	else
		vrele(vp);
	return 0;
}

static long create(int dirfd, const char *upath, const struct vattr *va)
{
	struct pathbuf pb;
	int error = pathbuf_in(upath, &pb);

	if (error)
		return sysret(error, 0);
	error = vn_create(dirfd, pb.pb_path, va, NULL);
	pathbuf_done(&pb);
	return sysret(error, 0);
}

long do_sys_mkdirat(int dirfd, const char *path, mode_t mode)
{
	struct vattr va = {.va_mode = S_IFDIR | (mode & 01777 & ~vfs_umask())};

	return create(dirfd, path, &va);
}

long do_sys_mkdir(const char *path, mode_t mode)
{
	return do_sys_mkdirat(AT_FDCWD, path, mode);
}

long do_sys_mknodat(int dirfd, const char *path, mode_t mode, dev_t dev)
{
	struct vattr va = {
	    .va_mode = (mode & S_IFMT) | (mode & 07777 & ~vfs_umask()), .va_rdev = dev};

	switch (mode & S_IFMT) {
	case 0:
		va.va_mode |= S_IFREG;
		__attribute__((fallthrough));
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return create(dirfd, path, &va);
	}
	return sysret(S_ISDIR(mode) ? EPERM : EINVAL, 0);
}

long do_sys_mknod(const char *path, mode_t mode, dev_t dev)
{
	return do_sys_mknodat(AT_FDCWD, path, mode, dev);
}

long do_sys_symlinkat(const char *target, int dirfd, const char *path)
{
	struct pathbuf pb;
	struct vattr va = {.va_mode = S_IFLNK | 0777};
	int error = pathbuf_in(target, &pb);
	long r;

	if (error)
		return sysret(error, 0);
	va.va_target = pb.pb_path;
	r = *pb.pb_path ? create(dirfd, path, &va) : sysret(ENOENT, 0);
	pathbuf_done(&pb);
	return r;
}

long do_sys_symlink(const char *target, const char *path)
{
	return do_sys_symlinkat(target, AT_FDCWD, path);
}

static int link_at(struct nameidata *nd, struct vnode *vp)
{
	struct vnode *dvp = nd->nd_dvp, *there;
	int error;

	if (nd->nd_vp)
		return EEXIST;
	if (nd->nd_slash)
		return ENOENT;
	if (vn_isdir(vp))
		return EPERM;
	if (vp->v_mount != dvp->v_mount)
		return EXDEV;
	if (!dvp->v_op->vop_link)
		return EPERM;
	rw_enter(&dvp->v_lock, RW_WRITER);
	error = vfs_lookup_locked(dvp, &nd->nd_name, &there);
	if (error == 0) {
		vrele(there);
		error = EEXIST;
	} else if (error == ENOENT) {
		rw_enter(&vp->v_lock, RW_WRITER);
		error = dvp->v_op->vop_link(dvp, &nd->nd_name, vp);
		rw_exit(&vp->v_lock);
		if (!error)
			cache_purge(dvp, &nd->nd_name);
	}
	rw_exit(&dvp->v_lock);
	return error;
}

long do_sys_linkat(int fromfd, const char *from, int tofd, const char *to, int flags)
{
	struct pathbuf pb;
	struct nameidata nd;
	struct vnode *vp;
	int error;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return sysret(EINVAL, 0);
	error = vfs_lookup_user(fromfd, from,
	    (flags & AT_SYMLINK_FOLLOW ? NI_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? NI_EMPTY : 0),
	    &vp);
	if (error)
		return sysret(error, 0);
	error = pathbuf_in(to, &pb);
	if (!error) {
		error = namei(tofd, pb.pb_path, NI_PARENT, &nd);
		if (!error) {
			error = link_at(&nd, vp);
			namei_done(&nd);
		}
		pathbuf_done(&pb);
	}
	vrele(vp);
	return sysret(error, 0);
}

long do_sys_link(const char *from, const char *to)
{
	return do_sys_linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}
