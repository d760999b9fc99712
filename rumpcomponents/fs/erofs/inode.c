/* SPDX-License-Identifier: BSD-2-Clause */
/* Inodes: decoded and checked once, when their vnode is made. */
#include <limits.h>
#include "erofs_impl.h"

static POOL_DEFINE(node_pool, sizeof(struct erofs_node), "erofs_node");

static int erofs_getattr(struct vnode *vp, struct stat *st)
{
	struct erofs_node *n = VTOE(vp);

	st->st_ino = n->en_nid;
	st->st_mode = n->en_mode;
	st->st_nlink = n->en_nlink;
	st->st_uid = n->en_uid;
	st->st_gid = n->en_gid;
	st->st_rdev = n->en_rdev;
	st->st_size = (int64_t)n->en_size;
	st->st_blksize = PAGE_SIZE;
	st->st_blocks = (int64_t)((n->en_size + 511) / 512);
	st->st_mtim = (struct timespec){n->en_mtime_sec, n->en_mtime_nsec};
	st->st_atim = st->st_ctim = st->st_mtim;
	return 0;
}

static void erofs_reclaim(struct vnode *vp)
{
	pool_put(&node_pool, VTOE(vp));
}

static const struct vnodeops erofs_dirops = {
    .vop_lookup = erofs_lookup,
    .vop_readdir = erofs_readdir,
    .vop_getattr = erofs_getattr,
    .vop_reclaim = erofs_reclaim,
};

static const struct vnodeops erofs_fileops = {
    .vop_read = erofs_read,
    .vop_getpage = erofs_getpage,
    .vop_putpage = erofs_putpage,
    .vop_peek = erofs_peek,
    .vop_getattr = erofs_getattr,
    .vop_reclaim = erofs_reclaim,
};

static const struct vnodeops erofs_linkops = {
    .vop_readlink = erofs_readlink,
    .vop_getattr = erofs_getattr,
    .vop_reclaim = erofs_reclaim,
};

static const struct vnodeops erofs_otherops = {
    .vop_getattr = erofs_getattr,
    .vop_reclaim = erofs_reclaim,
};

/* Fields of both inode formats; *headp: bytes of inode and attributes.  false: not in the image. */
static bool decode(const struct erofs_image *ei, uint64_t off, struct erofs_node *n,
    unsigned *format, uint64_t *head, uint32_t *u)
{
	const struct erofs_inode_compact *ic = erofs_at(ei, off, sizeof(*ic));
	const struct erofs_inode_extended *ix;

	if (!ic)
		return false;
	*format = ic->format;
	n->en_mode = ic->mode;
	if (ic->format & EROFS_FORMAT_EXTENDED) {
		ix = erofs_at(ei, off, sizeof(*ix));
		if (!ix)
			return false;
		*head = sizeof(*ix);
		*u = ix->u;
		n->en_size = ix->size;
		n->en_nlink = ix->nlink;
		n->en_uid = ix->uid;
		n->en_gid = ix->gid;
		n->en_mtime_sec = (int64_t)KMIN(ix->mtime, 1ULL << 33);
		n->en_mtime_nsec = ix->mtime_nsec % 1000000000;
	} else {
		*head = sizeof(*ic);
		*u = ic->u;
		n->en_size = ic->size;
		n->en_nlink = ic->nlink;
		n->en_uid = ic->uid;
		n->en_gid = ic->gid;
		n->en_mtime_sec = ei->ei_mtime_sec;
		n->en_mtime_nsec = ei->ei_mtime_nsec;
	}
	if (ic->xattr_icount > 0)
		*head += 12 + 4 * (uint64_t)(ic->xattr_icount - 1);
	return true;
}

/* Where the data is, and that it is all in the image. */
static int find_data(struct erofs_node *n, unsigned layout, uint64_t tail_off, uint32_t blkaddr)
{
	struct erofs_image *ei = n->en_image;
	uint64_t tail = n->en_size & ((1ULL << ei->ei_blkbits) - 1);

	if (n->en_size > ei->ei_size)
		return EUCLEAN;
	if (layout != EROFS_FLAT_PLAIN && layout != EROFS_FLAT_INLINE)
		return EOPNOTSUPP;
	n->en_plain = layout == EROFS_FLAT_INLINE ? n->en_size - tail : n->en_size;
	if (n->en_plain > 0) {
		n->en_data = erofs_at(ei, (uint64_t)blkaddr << ei->ei_blkbits, n->en_plain);
		if (!n->en_data)
			return EUCLEAN;
	}
	if (n->en_plain < n->en_size) {
		n->en_tail = erofs_at(ei, tail_off, tail);
		if (!n->en_tail)
			return EUCLEAN;
	}
	return 0;
}

static int fill(
    struct erofs_node *n, struct erofs_image *ei, uint64_t nid, const struct vnodeops **opp)
{
	unsigned format;
	uint64_t off, head;
	uint32_t u;

	if (nid > ei->ei_size / 32)
		return EUCLEAN;
	off = ei->ei_meta + nid * 32;
	n->en_image = ei;
	n->en_nid = nid;
	if (!decode(ei, off, n, &format, &head, &u))
		return EUCLEAN;
	if (format & ~EROFS_FORMAT_KNOWN)
		return EOPNOTSUPP;
	switch (n->en_mode & S_IFMT) {
	case S_IFREG:
		*opp = &erofs_fileops;
		break;
	case S_IFDIR:
		*opp = &erofs_dirops;
		break;
	case S_IFLNK:
		if (n->en_size == 0 || n->en_size >= PATH_MAX)
			return EUCLEAN;
		*opp = &erofs_linkops;
		break;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		n->en_rdev = u; /* Linux packs the number as libc's dev_t */
		n->en_size = 0;
		*opp = &erofs_otherops;
		return 0;
	default:
		return EUCLEAN;
	}
	return find_data(n, EROFS_FORMAT_LAYOUT(format), off + head, u);
}

int erofs_node_get(struct erofs_image *ei, uint64_t nid, struct vnode **vpp)
{
	struct erofs_node *n = pool_zget(&node_pool);
	const struct vnodeops *op = NULL;
	int error;

	if (!n)
		return ENOMEM;
	error = fill(n, ei, nid, &op);
	if (error) {
		pool_put(&node_pool, n);
		return error;
	}
	vnode_init(&n->en_vnode, op, &ei->ei_mount, n->en_mode & S_IFMT);
	*vpp = &n->en_vnode;
	return 0;
}
