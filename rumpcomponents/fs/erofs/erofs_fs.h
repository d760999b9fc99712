/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EROFS on disk, little-endian (Linux, Documentation/filesystems/erofs.rst).  Block 0 holds the
 * superblock at byte 1024.  Inode number nid lies at 32 * nid from the metadata area's start, 32
 * bytes (compact) or 64 (extended), then extended attributes, then, for flat-inline
 * files, the bytes of the last block.  A directory is blocks of entries sorted by name: first all
 * entries of the block, then their names; the first entry's nameoff tells how many there are.
 */
#ifndef EROFS_FS_H
#define EROFS_FS_H

#include <stdint.h>

#define EROFS_SUPER_OFFSET 1024
#define EROFS_MAGIC	   0xE0F5E1E2U

struct erofs_super {
	uint32_t magic, checksum, feature_compat;
	uint8_t blkszbits, extslots;
	uint16_t root_nid;
	uint64_t inos, build_time;
	uint32_t build_time_nsec, blocks, meta_blkaddr, xattr_blkaddr;
	uint8_t uuid[16], volume_name[16];
	uint32_t feature_incompat;
	uint16_t compr_algs, extra_devices, devt_slotoff;
	uint8_t dirblkbits, xattr_prefix_count;
	uint32_t xattr_prefix_start;
	uint64_t packed_nid;
	uint8_t reserved[24];
};
_Static_assert(sizeof(struct erofs_super) == 128, "on disk");

/* mkfs sets this one although nothing is compressed. */
#define EROFS_INCOMPAT_ZERO_PADDING 0x1U

/* i_format: bit 0 extended, bits 1-3 layout of the data. */
#define EROFS_FORMAT_EXTENDED  0x1U
#define EROFS_FORMAT_LAYOUT(f) ((f) >> 1 & 7)
#define EROFS_FORMAT_KNOWN     0xfU
#define EROFS_FLAT_PLAIN       0
#define EROFS_FLAT_INLINE      2

struct erofs_inode_compact {
	uint16_t format, xattr_icount, mode, nlink;
	uint32_t size, reserved, u, ino;
	uint16_t uid, gid;
	uint32_t reserved2;
};
_Static_assert(sizeof(struct erofs_inode_compact) == 32, "on disk");

struct erofs_inode_extended {
	uint16_t format, xattr_icount, mode, reserved;
	uint64_t size;
	uint32_t u, ino, uid, gid;
	uint64_t mtime;
	uint32_t mtime_nsec, nlink;
	uint8_t reserved2[16];
};
_Static_assert(sizeof(struct erofs_inode_extended) == 64, "on disk");

struct erofs_dirent {
	uint64_t nid;
	uint16_t nameoff;
	uint8_t file_type, reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct erofs_dirent) == 12, "on disk");

#endif
