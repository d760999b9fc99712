/* SPDX-License-Identifier: BSD-2-Clause */
/* The overlay: what a read-only image has below the nodes. */
#include "tmpfs_impl.h"

int tmpfs_lower_lookup(struct tmpfs_node *d, const struct name *name, struct tmpfs_dirent **tep)
{
	struct tmpfs_node *n;
	struct vnode *vp;
	int error = d->tn_lower->v_op->vop_lookup(d->tn_lower, name, &vp);

	if (error)
		return error;
	n = tmpfs_node_over(vp);
	if (!n) {
		vrele(vp);
		return ENOMEM;
	}
	error = tmpfs_dir_add(d, name, n, TMPFS_MUST, tep);
	if (error) {
		vrele(&n->tn_vnode);
		return ENOMEM;
	}
	if (n->tn_vnode.v_kind == S_IFDIR)
		n->tn_parent = d;
	(*tep)->te_lower = true;
	return 0;
}

/* Passes on the names of the lower directory that show. */
struct lower_sink {
	struct direntsink ls_sink, *ls_inner;
	struct tmpfs_node *ls_dir;
	bool ls_any;
};

static bool emit_shown(
    struct direntsink *ds, const struct name *name, uint64_t ino, mode_t type, int64_t next)
{
	struct lower_sink *ls = container_of(ds, struct lower_sink, ls_sink);
	struct tmpfs_dirent *te;

	if (name->n_str[0] == '.' &&
	    (name->n_len == 1 || (name->n_len == 2 && name->n_str[1] == '.')))
		return true;
	te = tmpfs_dir_find(ls->ls_dir, name);
	if (te && !te->te_lower)
		return true;
	ls->ls_any = true;
	return ls->ls_inner &&
	       ls->ls_inner->ds_emit(ls->ls_inner, name, ino, type, TMPFS_COOKIE_LOWER + next);
}

int tmpfs_lower_readdir(struct tmpfs_node *d, int64_t *off, struct direntsink *ds)
{
	struct lower_sink ls = {{emit_shown}, ds, d, false};
	int64_t lower_off = *off - TMPFS_COOKIE_LOWER;
	int error = d->tn_lower->v_op->vop_readdir(d->tn_lower, &lower_off, &ls.ls_sink);

	*off = TMPFS_COOKIE_LOWER + lower_off;
	return error;
}

int tmpfs_lower_empty(struct tmpfs_node *d)
{
	struct lower_sink ls = {{emit_shown}, NULL, d, false};
	int64_t off = 0;
	int error = d->tn_lower->v_op->vop_readdir(d->tn_lower, &off, &ls.ls_sink);

	return error ? error : ls.ls_any ? ENOTEMPTY : 0;
}

int tmpfs_lower_page(struct tmpfs_node *n, uint64_t index, void *buf)
{
	int64_t off = (int64_t)(index << PAGE_SHIFT);
	size_t len = (size_t)KMIN(n->tn_lowersize - off, (int64_t)PAGE_SIZE);
	struct iovec iov;
	struct uio uio;
	int error;

	uio_init1(&uio, &iov, buf, len, UIO_READ, UIO_SYSSPACE);
	uio.uio_offset = off;
	error = n->tn_lower->v_op->vop_read(n->tn_lower, &uio);
	return !error && uio.uio_resid > 0 ? EIO : error;
}
