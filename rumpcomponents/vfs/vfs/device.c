/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices by their number. */
#include <vfs/device.h>
#include "vfs_impl.h"

LINK_SET_DECLARE(devices, const struct vfs_device);

int vfs_device_open(struct vnode *vp, uint64_t rdev, int flags, struct file **fpp)
{
	const struct vfs_device *const *vd;

	if (vp->v_kind != S_IFCHR)
		return ENXIO;
	LINK_SET_FOREACH (vd, devices)
		if ((*vd)->vd_rdev == rdev)
			return (*vd)->vd_open(vp, rdev, flags, fpp);
	return ENXIO;
}
