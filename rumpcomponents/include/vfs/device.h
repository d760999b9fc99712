/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: a component registers those it has; fs/devfs makes their names below /dev.  Who finds
 * his devices at run time registers once, without a name, is asked for every number of that kind,
 * and makes the names himself, with vn_create() from RUMP_PHASE_DEV on.
 */
#ifndef VFS_DEVICE_H
#define VFS_DEVICE_H

#include <stdint.h>
#include <sys/types.h>
#include <kern/linkset.h>

struct file;
struct vnode;

struct vfs_device {
	const char *vd_name; /* below /dev; NULL: made at run time */
	uint64_t vd_rdev;    /* VFS_DEV(major, minor): Linux's numbers */
	mode_t vd_mode;	     /* S_IFCHR or S_IFBLK, and permissions */
	/* A file for it (vp's reference is the caller's).  ENXIO: no such number. */
	int (*vd_open)(struct vnode *vp, uint64_t rdev, int flags, struct file **fpp);
};
#define VFS_DEV(major, minor) ((uint64_t)(major) << 8 | (minor))
#define VFS_DEVICE(var)	      LINK_SET_ADD(devices, var)

/* Open the device of that number.  ENXIO. */
int vfs_device_open(struct vnode *vp, uint64_t rdev, int flags, struct file **fpp);

#endif
