/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rename(2).  One at a time (vfs_rename_lock), so directories keep their parents while the
 * tree above is walked to see that no directory ends up below itself.
 * LOCK ORDER: vfs_rename_lock, the directory that is the other's ancestor, the other, other files
 * by their addresses.
 */
#include <fcntl.h>
#include <stdio.h>
#include <kern/sysproto.h>
#include "vfs_impl.h"

#define NOREPLACE 1U
#define EXCHANGE  2U

/* Is anc dvp itself or above it (within the file system)? */
static int is_above(struct vnode *anc, struct vnode *dvp, bool *above)
{
	struct vnode *at = dvp, *up;
	int error;

	vref(at);
	for (;;) {
		*above = at == anc;
		if (*above || at == at->v_mount->mnt_root) {
			vrele(at);
			return 0;
		}
		error = vfs_parent(at, &up);
		if (error)
			return error;
		at = up;
	}
}

/*
 * The two that change places.  Neither is above the other, but a file may have another name within
 * the directory that it is exchanged with, and who removes that one locks the directory first.
 */
static void lock_both(struct vnode *a, struct vnode *b)
{
	bool b_first = b && !vn_isdir(a) && (vn_isdir(b) || b < a);

	rw_enter(b_first ? &b->v_lock : &a->v_lock, RW_WRITER);
	if (b)
		rw_enter(b_first ? &a->v_lock : &b->v_lock, RW_WRITER);
}

/* Both directories locked; what the names stand for now. */
static int rename_locked(struct nameidata *from, struct nameidata *to, struct vnode *fvp,
    struct vnode *tvp, bool from_inside, bool to_above, unsigned flags)
{
	struct vnode *fdvp = from->nd_dvp, *tdvp = to->nd_dvp;
	int error;

	/* In Linux's order. */
	if (tvp && flags & NOREPLACE)
		return EEXIST;
	if (!tvp && flags & EXCHANGE)
		return ENOENT;
	if (tvp && !vn_isdir(tvp) && to->nd_slash)
		return ENOTDIR;
	if (!vn_isdir(fvp) && (from->nd_slash || (to->nd_slash && !(flags & EXCHANGE))))
		return ENOTDIR;
	if (from_inside)
		return EINVAL;
	if (to_above)
		return flags & EXCHANGE ? EINVAL : ENOTEMPTY;
	if (fvp == tvp)
		return 0;
	if (fvp->v_mountedhere || (tvp && tvp->v_mountedhere))
		return EBUSY;
	if (tvp && !(flags & EXCHANGE) && vn_isdir(fvp) != vn_isdir(tvp))
		return vn_isdir(tvp) ? EISDIR : ENOTDIR;
	if (!fdvp->v_op->vop_rename)
		return EROFS;
	lock_both(fvp, tvp);
	error = fdvp->v_op->vop_rename(
	    fdvp, &from->nd_name, fvp, tdvp, &to->nd_name, tvp, flags & EXCHANGE);
	if (tvp)
		rw_exit(&tvp->v_lock);
	rw_exit(&fvp->v_lock);
	return error;
}

static int rename_pair(struct nameidata *from, struct nameidata *to, unsigned flags)
{
	struct vnode *fdvp = from->nd_dvp, *tdvp = to->nd_dvp, *fvp, *tvp = NULL;
	bool inside = false, above = false, to_first = false;
	int error;

	if (!fdvp || !tdvp) /* ".", ".." or the root */
		return fdvp && flags & NOREPLACE ? EEXIST : EBUSY;
	if (!from->nd_vp)
		return ENOENT;
	if (fdvp->v_mount != tdvp->v_mount || from->nd_vp->v_mount != fdvp->v_mount)
		return EXDEV;
	error = is_above(from->nd_vp, tdvp, &inside);
	if (!error && to->nd_vp)
		error = is_above(to->nd_vp, fdvp, &above);
	if (!error)
		error = is_above(tdvp, fdvp, &to_first);
	if (error)
		return error;
	rw_enter(to_first ? &tdvp->v_lock : &fdvp->v_lock, RW_WRITER);
	if (fdvp != tdvp)
		rw_enter(to_first ? &fdvp->v_lock : &tdvp->v_lock, RW_WRITER);
	error = vfs_lookup_locked(fdvp, &from->nd_name, &fvp);
	if (error) {
		fvp = NULL;
	} else {
		error = vfs_lookup_locked(tdvp, &to->nd_name, &tvp);
		if (error)
			tvp = NULL;
		/* Directories that are not those we looked at: let the caller look again. */
		if (error == 0 || error == ENOENT)
			error = (fvp != from->nd_vp && vn_isdir(fvp)) ||
					(tvp && tvp != to->nd_vp && vn_isdir(tvp))
				    ? EAGAIN
				    : rename_locked(from, to, fvp, tvp, inside, above, flags);
		if (!error) {
			cache_purge(fdvp, &from->nd_name);
			cache_purge(tdvp, &to->nd_name);
		}
	}
	if (fdvp != tdvp)
		rw_exit(&fdvp->v_lock);
	rw_exit(&tdvp->v_lock);
	if (tvp)
		vrele(tvp);
	if (fvp)
		vrele(fvp);
	return error;
}

static int rename_paths(int fromfd, const char *from, int tofd, const char *to, unsigned flags)
{
	struct nameidata fnd, tnd;
	int error;

	do {
		error = namei(fromfd, from, NI_PARENT, &fnd);
		if (error)
			return error;
		error = namei(tofd, to, NI_PARENT, &tnd);
		if (!error) {
			mutex_enter(&vfs_rename_lock);
			error = rename_pair(&fnd, &tnd, flags);
			mutex_exit(&vfs_rename_lock);
			namei_done(&tnd);
		}
		namei_done(&fnd);
	} while (error == EAGAIN);
	return error;
}

long do_sys_renameat2(int fromfd, const char *from, int tofd, const char *to, unsigned flags)
{
	struct pathbuf fpb, tpb;
	int error;

	if (flags & ~(NOREPLACE | EXCHANGE) || flags == (NOREPLACE | EXCHANGE))
		return sysret(EINVAL, 0);
	error = pathbuf_in(from, &fpb);
	if (error)
		return sysret(error, 0);
	error = pathbuf_in(to, &tpb);
	if (!error) {
		error = rename_paths(fromfd, fpb.pb_path, tofd, tpb.pb_path, flags);
		pathbuf_done(&tpb);
	}
	pathbuf_done(&fpb);
	return sysret(error, 0);
}

long do_sys_renameat(int fromfd, const char *from, int tofd, const char *to)
{
	return do_sys_renameat2(fromfd, from, tofd, to, 0);
}

long do_sys_rename(const char *from, const char *to)
{
	return do_sys_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}
