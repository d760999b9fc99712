/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Path lookup (POSIX 4.13).  One name after the other, holding a reference to where we are and
 * no lock; a symbolic link's text and what is left of the path become the new path.
 */
#include <fcntl.h>
#include <kern/kmem.h>
#include "vfs_impl.h"

int vfs_startdir(int dirfd, struct vnode **vpp)
{
	struct file *fp;
	int error;

	if (dirfd == AT_FDCWD) {
		*vpp = vfs_cwd();
		return 0;
	}
	error = fd_gettype(dirfd, DTYPE_VNODE, ENOTDIR, &fp);
	if (error)
		return error;
	*vpp = fp->f_data;
	vref(*vpp);
	fd_putfile(fp);
	return 0;
}

int vfs_parent(struct vnode *dvp, struct vnode **vpp)
{
	static const struct name dotdot = {"..", 2};
	int error;

	while (dvp != vfs_root && dvp == dvp->v_mount->mnt_root) {
		struct vnode *covered = dvp->v_mount->mnt_covered;
		vref(covered);
		vrele(dvp);
		dvp = covered;
	}
	*vpp = dvp;
	if (dvp == vfs_root)
		return 0;
	rw_enter(&dvp->v_lock, RW_READER);
	error = dvp->v_op->vop_lookup(dvp, &dotdot, vpp);
	rw_exit(&dvp->v_lock);
	vrele(dvp);
	return error;
}

int vfs_lookup_locked(struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	if (!dvp->v_op->vop_lookup)
		return ENOTDIR;
	return dvp->v_op->vop_lookup(dvp, name, vpp);
}

static int lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	int error = cache_lookup(dvp, name, vpp);

	if (error != EAGAIN)
		return error;
	rw_enter(&dvp->v_lock, RW_READER);
	error = vfs_lookup_locked(dvp, name, vpp);
	if (error == 0 || error == ENOENT)
		cache_enter(dvp, name, error ? NULL : *vpp);
	rw_exit(&dvp->v_lock);
	return error;
}

/* nd's path becomes vp's text and then rest. */
static int expand(struct nameidata *nd, struct vnode *vp, const char *rest)
{
	size_t len = VFS_PATH_MAX - 1, restlen = strlen(rest);
	char *buf = kmem_alloc(VFS_PATH_MAX);
	int error;

	if (!buf)
		return ENOMEM;
	rw_enter(&vp->v_lock, RW_READER);
	error = vp->v_op->vop_readlink ? vp->v_op->vop_readlink(vp, buf, &len) : EINVAL;
	rw_exit(&vp->v_lock);
	if (!error && len == 0)
		error = ENOENT;
	if (!error && len + restlen >= VFS_PATH_MAX)
		error = ENAMETOOLONG;
	if (error) {
		kmem_free(buf, VFS_PATH_MAX);
		return error;
	}
	memcpy(buf + len, rest, restlen + 1);
	if (nd->nd_buf)
		kmem_free(nd->nd_buf, VFS_PATH_MAX);
	nd->nd_buf = buf;
	return 0;
}

/* The next name of *path, which moves behind it; false at the end. */
static bool next_name(const char **path, struct name *name)
{
	const char *p = *path;

	while (*p == '/')
		p++;
	name->n_str = p;
	while (*p && *p != '/')
		p++;
	name->n_len = (unsigned)(p - name->n_str);
	*path = p;
	return name->n_len > 0;
}

static bool only_slashes(const char *p)
{
	while (*p == '/')
		p++;
	return *p == '\0';
}

static bool is_dots(const struct name *name, unsigned n)
{
	return name->n_len == n && name->n_str[0] == '.' && name->n_str[n - 1] == '.';
}

static struct vnode *root_instead_of(struct vnode *at)
{
	vrele(at);
	vref(vfs_root);
	return vfs_root;
}

/* Walk from *atp, whose reference is replaced by that of where the walk came to. */
static int walk(const char *path, unsigned flags, struct nameidata *nd, struct vnode **atp)
{
	unsigned links = 0;
	struct vnode *vp;
	struct name name;
	bool last;
	int error;

	for (;;) {
		if (*path == '/')
			*atp = root_instead_of(*atp);
		while (next_name(&path, &name)) {
			last = only_slashes(path);
			nd->nd_slash = last && *path == '/';
			if (name.n_len > VFS_NAME_MAX)
				return ENAMETOOLONG;
			if (!vn_isdir(*atp))
				return ENOTDIR;
			nd->nd_name = name;
			if (is_dots(&name, 1))
				continue;
			if (is_dots(&name, 2)) {
				vp = *atp;
				*atp = NULL;
				error = vfs_parent(vp, atp);
				if (error) {
					*atp = NULL;
					return error;
				}
				continue;
			}
			error = lookup(*atp, &name, &vp);
			if (error == ENOENT && last && flags & NI_PARENT) {
				nd->nd_dvp = *atp;
				*atp = NULL;
				return 0;
			}
			if (error)
				return error;
			/* A slash at the end follows, but not for those who change the name. */
			if (vp->v_kind == S_IFLNK &&
			    (!last || (nd->nd_slash ? !(flags & NI_PARENT) : flags & NI_FOLLOW))) {
				error = ++links > VFS_MAXSYMLINKS ? ELOOP : expand(nd, vp, path);
				vrele(vp);
				if (error)
					return error;
				path = nd->nd_buf;
				break;
			}
			vp = vfs_cross(vp);
			if (!last) {
				vrele(*atp);
				*atp = vp;
				continue;
			}
			if (nd->nd_slash && !vn_isdir(vp) && !(flags & NI_PARENT)) {
				vrele(vp);
				return ENOTDIR;
			}
			nd->nd_vp = vp;
			if (flags & NI_PARENT) {
				nd->nd_dvp = *atp;
				*atp = NULL;
			}
			return 0;
		}
		if (name.n_len == 0) { /* ended in ".", ".." or a slash */
			nd->nd_vp = *atp;
			*atp = NULL;
			return 0;
		}
	}
}

int namei(int dirfd, const char *path, unsigned flags, struct nameidata *nd)
{
	struct vnode *at;
	int error = 0;

	*nd = (struct nameidata){0};
	if (*path == '\0' && !(flags & NI_EMPTY))
		return ENOENT;
	if (*path == '/') {
		at = vfs_root;
		vref(at);
	} else {
		error = vfs_startdir(dirfd, &at);
		if (error)
			return error;
	}
	if (*path == '\0') {
		nd->nd_vp = at;
		return 0;
	}
	error = walk(path, flags, nd, &at);
	if (at)
		vrele(at);
	if (error)
		namei_done(nd);
	return error;
}

void namei_done(struct nameidata *nd)
{
	if (nd->nd_vp)
		vrele(nd->nd_vp);
	if (nd->nd_dvp)
		vrele(nd->nd_dvp);
	if (nd->nd_buf)
		kmem_free(nd->nd_buf, VFS_PATH_MAX);
	nd->nd_vp = nd->nd_dvp = NULL;
	nd->nd_buf = NULL;
}

int pathbuf_in(const char *upath, struct pathbuf *pb)
{
	int error = copyinstr(upath, pb->pb_small, sizeof(pb->pb_small), NULL);

	pb->pb_path = pb->pb_small;
	if (error != ENAMETOOLONG)
		return error;
	pb->pb_path = kmem_alloc(VFS_PATH_MAX);
	if (!pb->pb_path)
		return ENOMEM;
	error = copyinstr(upath, pb->pb_path, VFS_PATH_MAX, NULL);
	if (error)
		pathbuf_done(pb);
	return error;
}

void pathbuf_done(struct pathbuf *pb)
{
	if (pb->pb_path != pb->pb_small)
		kmem_free(pb->pb_path, VFS_PATH_MAX);
}

int vfs_lookup_user(int dirfd, const char *upath, unsigned flags, struct vnode **vpp)
{
	struct pathbuf pb;
	struct nameidata nd;
	int error = pathbuf_in(upath, &pb);

	if (error)
		return error;
	error = namei(dirfd, pb.pb_path, flags, &nd);
	if (!error) {
		*vpp = nd.nd_vp;
		nd.nd_vp = NULL;
		namei_done(&nd);
	}
	pathbuf_done(&pb);
	return error;
}
