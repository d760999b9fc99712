/* SPDX-License-Identifier: BSD-2-Clause */
/* unlink(2) and rmdir(2). */
#include <fcntl.h>
#include <kern/sysproto.h>
#include "vfs_impl.h"

/* dvp locked; what has the name now. */
static int remove_locked(struct vnode *dvp, const struct name *name, bool dir)
{
	struct vnode *vp;
	int error = vfs_lookup_locked(dvp, name, &vp);

	if (error)
		return error;
	if (dir != vn_isdir(vp))
		error = dir ? ENOTDIR : EISDIR;
	else if (vp->v_mountedhere)
		error = EBUSY;
	else if (!dvp->v_op->vop_remove)
		error = EROFS;
	if (!error) {
		rw_enter(&vp->v_lock, RW_WRITER);
		error = dvp->v_op->vop_remove(dvp, name, vp);
		rw_exit(&vp->v_lock);
		if (!error)
			cache_purge(dvp, name);
	}
	vrele(vp);
	return error;
}

static int remove_name(struct nameidata *nd, bool dir)
{
	struct vnode *dvp = nd->nd_dvp;
	int error;

	if (!dvp && dir) { /* ".." is not empty, as it holds what "." was; see rmdir(2) */
		unsigned dots = nd->nd_name.n_len;
		return dots == 2 ? ENOTEMPTY : dots == 1 ? EINVAL : EBUSY;
	}
	if (!dvp)
		return EISDIR;
	if (!nd->nd_vp)
		return ENOENT;
	if (nd->nd_slash && !vn_isdir(nd->nd_vp))
		return ENOTDIR;
	if (nd->nd_slash && !dir)
		return EISDIR;
	if (nd->nd_vp->v_mount != dvp->v_mount)
		return EBUSY;
	rw_enter(&dvp->v_lock, RW_WRITER);
	error = remove_locked(dvp, &nd->nd_name, dir);
	rw_exit(&dvp->v_lock);
	return error;
}

long do_sys_unlinkat(int dirfd, const char *upath, int flags)
{
	struct pathbuf pb;
	struct nameidata nd;
	int error;

	if (flags & ~AT_REMOVEDIR)
		return sysret(EINVAL, 0);
	error = pathbuf_in(upath, &pb);
	if (error)
		return sysret(error, 0);
	error = namei(dirfd, pb.pb_path, NI_PARENT, &nd);
	if (!error) {
		if (flags & AT_REMOVEDIR)
			mutex_enter(&vfs_rename_lock);
		error = remove_name(&nd, flags & AT_REMOVEDIR);
		if (flags & AT_REMOVEDIR)
			mutex_exit(&vfs_rename_lock);
		namei_done(&nd);
	}
	pathbuf_done(&pb);
	return sysret(error, 0);
}

long do_sys_unlink(const char *path)
{
	return do_sys_unlinkat(AT_FDCWD, path, 0);
}

long do_sys_rmdir(const char *path)
{
	return do_sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}
