/* SPDX-License-Identifier: BSD-2-Clause */
/* The superblock. */
#include "erofs_impl.h"

static int erofs_statfs(struct mount *mp, struct statfs *sf)
{
	struct erofs_image *ei = container_of(mp, struct erofs_image, ei_mount);

	sf->f_type = EROFS_MAGIC;
	sf->f_blocks = ei->ei_size >> PAGE_SHIFT;
	return 0;
}

int erofs_image_open(
    struct erofs_image *ei, const void *base, size_t size, uint64_t pa, struct vnode **rootp)
{
	const struct erofs_super *sb;
	int error;

	memset(ei, 0, sizeof(*ei));
	ei->ei_base = base;
	ei->ei_size = size;
	ei->ei_pa = pa;
	sb = erofs_at(ei, EROFS_SUPER_OFFSET, sizeof(*sb));
	if (!sb || sb->magic != EROFS_MAGIC)
		return EINVAL;
	if (sb->blkszbits < 9 || sb->blkszbits > 16 || sb->dirblkbits != 0)
		return EUCLEAN;
	if (sb->feature_incompat & ~EROFS_INCOMPAT_ZERO_PADDING)
		return EOPNOTSUPP;
	ei->ei_blkbits = sb->blkszbits;
	ei->ei_meta = (uint64_t)sb->meta_blkaddr << sb->blkszbits;
	ei->ei_mtime_sec = (int64_t)KMIN(sb->build_time, 1ULL << 33);
	ei->ei_mtime_nsec = sb->build_time_nsec % 1000000000;
	ei->ei_mount.mnt_statfs = erofs_statfs;
	error = erofs_node_get(ei, sb->root_nid, rootp);
	if (error)
		return error;
	if (!vn_isdir(*rootp)) {
		vrele(*rootp);
		return EUCLEAN;
	}
	ei->ei_mount.mnt_root = *rootp;
	return 0;
}
