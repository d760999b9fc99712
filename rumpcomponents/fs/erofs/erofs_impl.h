/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An image in memory, and vnodes over its inodes.  Nothing is ever written, so there are no locks.
 * What the image says is believed only after it has been checked against the image's size;
 * an inode's data is checked when its vnode is made, so reading cannot leave the image.
 */
#ifndef EROFS_IMPL_H
#define EROFS_IMPL_H

#include <kern/kmem.h>
#include <kern/systm.h>
#include <vfs/mount.h>
#include <vfs/vnode.h>
#include "erofs_fs.h"

#define EROFS_UNKNOWN_PA UINT64_MAX

struct erofs_image {
	const uint8_t *ei_base;
	uint64_t ei_size;
	uint64_t ei_pa; /* where it lies, contiguous and page-aligned; or EROFS_UNKNOWN_PA */
	uint64_t ei_meta;
	unsigned ei_blkbits;
	int64_t ei_mtime_sec;
	uint32_t ei_mtime_nsec;
	struct mount ei_mount;
};

struct erofs_node {
	struct vnode en_vnode;
	struct erofs_image *en_image;
	uint64_t en_nid;
	uint64_t en_size;
	uint64_t en_plain; /* bytes at en_data; the rest is at en_tail */
	const uint8_t *en_data, *en_tail;
	uint32_t en_mode, en_nlink, en_uid, en_gid;
	uint64_t en_rdev;
	int64_t en_mtime_sec;
	uint32_t en_mtime_nsec;
};

static inline struct erofs_node *VTOE(struct vnode *vp)
{
	return container_of(vp, struct erofs_node, en_vnode);
}

/* len bytes at off, NULL if they are not all in the image. */
static inline const void *erofs_at(const struct erofs_image *ei, uint64_t off, uint64_t len)
{
	return off <= ei->ei_size && len <= ei->ei_size - off ? ei->ei_base + off : NULL;
}

/* Check the superblock; *rootp is the root directory, a reference.  EINVAL: no EROFS; EUCLEAN,
 * EOPNOTSUPP, ENOMEM. */
int erofs_image_open(
    struct erofs_image *ei, const void *base, size_t size, uint64_t pa, struct vnode **rootp);
/* A new vnode over inode nid.  EUCLEAN, EOPNOTSUPP, ENOMEM. */
int erofs_node_get(struct erofs_image *ei, uint64_t nid, struct vnode **vpp);
/* Bytes of a file: *len: wanted, then how many lie together there.  off < en_size. */
const uint8_t *erofs_data(const struct erofs_node *n, uint64_t off, size_t *len);

int erofs_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp);
int erofs_readdir(struct vnode *vp, int64_t *off, struct direntsink *ds);
int erofs_read(struct vnode *vp, struct uio *uio);
int erofs_readlink(struct vnode *vp, char *buf, size_t *len);
int erofs_getpage(struct vnode *vp, uint64_t off, bool write, uint64_t *pa);
void erofs_putpage(struct vnode *vp, uint64_t off, uint64_t pa, bool dirty);
int erofs_peek(struct vnode *vp, int64_t off, size_t len, struct file_extent *ext);

#endif
