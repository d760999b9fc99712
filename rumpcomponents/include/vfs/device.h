/* SPDX-License-Identifier: BSD-2-Clause */
/* Character devices: a component registers those it has; fs/devfs makes their names below /dev. */
#ifndef VFS_DEVICE_H
#define VFS_DEVICE_H

#include <stdint.h>
#include <sys/types.h>
#include <kern/linkset.h>

struct file;
struct vnode;

struct vfs_device {
	const char *vd_name; /* below /dev */
	uint64_t vd_rdev;    /* VFS_DEV(major, minor): Linux's numbers */
	mode_t vd_mode;
	/* A file for it (vp's reference is the caller's). */
	int (*vd_open)(struct vnode *vp, uint64_t rdev, int flags, struct file **fpp);
};
#define VFS_DEV(major, minor) ((uint64_t)(major) << 8 | (minor))
#define VFS_DEVICE(var)	      LINK_SET_ADD(devices, var)

/* Open the device of that number.  ENXIO. */
int vfs_device_open(struct vnode *vp, uint64_t rdev, int flags, struct file **fpp);

#endif
