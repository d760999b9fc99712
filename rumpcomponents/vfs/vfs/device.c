/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices by their number. */
#include <vfs/device.h>
#include "vfs_impl.h"

LINK_SET_DECLARE(devices, const struct vfs_device);

int vfs_device_open(struct vnode *vp, uint64_t rdev, int flags, struct file **fpp)
{
	const struct vfs_device *const *vd;
	int error = ENXIO;

	LINK_SET_FOREACH (vd, devices)
		if (error == ENXIO && vp->v_kind == ((*vd)->vd_mode & S_IFMT) &&
		    (!(*vd)->vd_name || (*vd)->vd_rdev == rdev))
			error = (*vd)->vd_open(vp, rdev, flags, fpp);
	return error;
}
