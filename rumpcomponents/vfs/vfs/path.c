/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a vnode to its path.  A directory is looked for in its parent, and so on up to the root;
 * of a file one of its names is known while the name cache has it.
 */
#include <kern/kmem.h>
#include "vfs_impl.h"

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

int vfs_pathname(struct vnode *vp, char *buf, char **path)
{
	struct name_finder nf = {.nf_sink = {find_name}, .nf_buf = buf, .nf_at = VFS_PATH_MAX - 1};
	struct vnode *at = vp;
	int error = 0;

	buf[nf.nf_at] = '\0';
	vref(at);
	if (!vn_isdir(vp)) {
		error = cache_name(vp, &at, buf, &nf.nf_at);
		if (!error)
			vrele(vp);
		else
			at = vp;
	} else if (at == vfs_root) {
		buf[--nf.nf_at] = '/';
	}
	while (at != vfs_root && !error)
		error = prepend_name(&nf, &at);
	vrele(at);
	*path = buf + nf.nf_at;
	return error;
}
