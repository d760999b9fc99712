/* SPDX-License-Identifier: BSD-2-Clause */
/* Names come and go: create, link, remove, rename. */
#include "tmpfs_impl.h"

/* Give the free name to n (reference taken over on success). */
static int add_name(struct tmpfs_node *d, const struct name *name, struct tmpfs_node *n)
{
	struct tmpfs_dirent *te = tmpfs_dir_find(d, name);

	if (te) { /* a whiteout */
		tmpfs_dir_set(d, te, n);
		return 0;
	}
	return tmpfs_dir_add(d, name, n, TMPFS_MAY, NULL);
}

static int tmpfs_create(
    struct vnode *dvp, const struct name *name, const struct vattr *va, struct vnode **vpp)
{
	struct tmpfs_node *d = VTON(dvp), *n;
	bool dir = S_ISDIR(va->va_mode);
	int error = 0;

	if (d->tn_nlink == 0)
		return ENOENT;
	n = tmpfs_node_alloc(va->va_mode, va->va_rdev, va->va_target);
	if (!n)
		return ENOSPC;
	if (d->tn_mode & S_ISGID) {
		n->tn_gid = d->tn_gid;
		n->tn_mode |= dir ? S_ISGID : 0;
	}
	if (!name) {
		n->tn_nlink = 0;
	} else {
		error = add_name(d, name, n);
		if (error) {
			vrele(&n->tn_vnode);
			return error;
		}
		vref(&n->tn_vnode); /* the entry's */
		if (dir) {
			n->tn_parent = d;
			d->tn_nlink++;
		}
		tmpfs_changed(d);
	}
	*vpp = &n->tn_vnode;
	return 0;
}

static int tmpfs_link(struct vnode *dvp, const struct name *name, struct vnode *vp)
{
	struct tmpfs_node *d = VTON(dvp), *n = VTON(vp);
	int error;

	if (d->tn_nlink == 0)
		return ENOENT;
	if (n->tn_nlink >= INT32_MAX)
		return EMLINK;
	error = add_name(d, name, n);
	if (error)
		return error;
	vref(vp);
	n->tn_nlink++;
	tmpfs_changed(d);
	n->tn_ctime = d->tn_ctime;
	return 0;
}

static bool empty(struct tmpfs_node *d, int *errorp)
{
	struct tmpfs_dirent *te;

	*errorp = ENOTEMPTY;
	TAILQ_FOREACH (te, &d->tn_entries, te_order)
		if (te->te_node)
			return false;
	*errorp = d->tn_lower ? tmpfs_lower_empty(d) : 0;
	return *errorp == 0;
}

/* n has lost a name in d, whose entry's reference is dropped. */
static void lost_name(struct tmpfs_node *d, struct tmpfs_node *n)
{
	n->tn_ctime = d->tn_ctime;
	if (n->tn_vnode.v_kind == S_IFDIR) {
		n->tn_nlink = 0;
		n->tn_parent = NULL;
		if (d->tn_nlink > 2)
			d->tn_nlink--;
	} else if (n->tn_nlink > 0) {
		n->tn_nlink--;
	}
	vrele(&n->tn_vnode);
}

static int tmpfs_remove(struct vnode *dvp, const struct name *name, struct vnode *vp)
{
	struct tmpfs_node *d = VTON(dvp), *n = VTON(vp);
	struct tmpfs_dirent *te = tmpfs_dir_find(d, name);
	int error = 0;

	KASSERT(te && te->te_node == n);
	if (vn_isdir(vp) && !empty(n, &error))
		return error;
	error = tmpfs_dir_clear(d, te);
	if (error)
		return error;
	tmpfs_changed(d);
	lost_name(d, n);
	return 0;
}

static void new_parent(struct tmpfs_node *n, struct tmpfs_node *from, struct tmpfs_node *to)
{
	if (n->tn_vnode.v_kind != S_IFDIR || from == to)
		return;
	n->tn_parent = to;
	to->tn_nlink++;
	if (from->tn_nlink > 2)
		from->tn_nlink--;
}

static int tmpfs_rename(struct vnode *fdvp, const struct name *fname, struct vnode *fvp,
    struct vnode *tdvp, const struct name *tname, struct vnode *tvp, bool exchange)
{
	struct tmpfs_node *fd = VTON(fdvp), *td = VTON(tdvp), *f = VTON(fvp),
			  *t = tvp ? VTON(tvp) : NULL;
	struct tmpfs_dirent *fte = tmpfs_dir_find(fd, fname), *tte = tmpfs_dir_find(td, tname);
	int error = 0;

	KASSERT(fte && fte->te_node == f && (!t || (tte && tte->te_node == t)));
	if (td->tn_nlink == 0)
		return ENOENT;
	if (exchange) {
		tmpfs_dir_set(fd, fte, t);
		tmpfs_dir_set(td, tte, f);
		new_parent(f, fd, td);
		new_parent(t, td, fd);
	} else {
		if (t && vn_isdir(tvp) && !empty(t, &error))
			return error;
		/* What can fail comes first: a whiteout that is not needed in the end does no harm.
		 */
		if (!tte) {
			error = tmpfs_dir_add(td, tname, NULL, TMPFS_MUST, &tte);
			if (error)
				return error;
		}
		error = tmpfs_dir_clear(fd, fte);
		if (error) {
			if (!t && !td->tn_lower)
				tmpfs_dir_drop(td, tte);
			return error;
		}
		tmpfs_dir_set(td, tte, f);
		new_parent(f, fd, td);
		tmpfs_changed(td);
		if (t)
			lost_name(td, t);
	}
	tmpfs_changed(fd);
	tmpfs_changed(td);
	f->tn_ctime = fd->tn_ctime;
	return 0;
}

const struct vnodeops tmpfs_dirops = {
    .vop_lookup = tmpfs_lookup,
    .vop_create = tmpfs_create,
    .vop_link = tmpfs_link,
    .vop_remove = tmpfs_remove,
    .vop_rename = tmpfs_rename,
    .vop_readdir = tmpfs_readdir,
    .vop_getattr = tmpfs_getattr,
    .vop_setattr = tmpfs_setattr,
    .vop_reclaim = tmpfs_reclaim,
};
