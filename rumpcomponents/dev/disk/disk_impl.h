/* SPDX-License-Identifier: BSD-2-Clause */
/* dev/disk's own. */
#ifndef DISK_IMPL_H
#define DISK_IMPL_H

#include <dev/disk.h>
#include <kern/systm.h>

struct file;
struct uio;
struct vnode;

/* First of all disks, through dk_list; they are never removed, so readers take no lock. */
STAILQ_HEAD(disklist, disk);
extern struct disklist disk_list;

/*
 * Bytes, whole sectors.  dk_nblocks is the driver's word: what doesn't fit an off_t doesn't exist,
 * nor does a part of a sector at the end.
 */
static inline uint64_t disk_size(const struct disk *dk)
{
	uint64_t n = __atomic_load_n(&dk->dk_nblocks, __ATOMIC_RELAXED);

	n = KMIN(n, (uint64_t)INT64_MAX >> DEV_BSHIFT) << DEV_BSHIFT;
	return n & ~(uint64_t)(dk->dk_secsize - 1);
}

/* A vfs_device's vd_open. */
int disk_open(struct vnode *vp, uint64_t rdev, int flags, struct file **fpp);

/*
 * Move bytes between uio and the disk, from *pos on, any position and length within the disk.
 * Moves *pos and uio along.  EFAULT, ENOMEM, as b_error.
 */
int disk_physio(struct disk *dk, enum buf_op op, int64_t *pos, struct uio *uio);

/* Flush all disks that were written. */
void disk_sync(void);

#endif
