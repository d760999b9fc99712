/* SPDX-License-Identifier: BSD-2-Clause */
/* The image that bake has put into ours becomes what lies below the root. */
#include <kern/vm_map.h>
#include "erofs_impl.h"

static struct erofs_image image;

static int erofs_start(void)
{
	size_t size;
	uint64_t pa;
	const void *base = vm_image_rootfs(&size, &pa);
	int error;

	if (!base)
		return 0;
	error = erofs_image_open(&image, base, size, pa, &vfs_lower_root);
	if (error)
		kprintf("kiln: the root image is %s\n",
		    error == EOPNOTSUPP ? "an EROFS with features not known here (compression?)"
		    : error == EINVAL	? "not an EROFS image"
					: "damaged");
	return error;
}
VFS_FILESYSTEM(erofs, VFS_STAGE_LOWER, erofs_start);
