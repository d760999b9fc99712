/* SPDX-License-Identifier: BSD-2-Clause */
/* The image that bake has put into ours becomes what lies below the root. */
#include <rumpuser.h>
#include <kern/lwp.h>
#include "erofs_impl.h"

static struct erofs_image image;

/* Mapped pages come from the image itself if it lies in one piece of memory. */
static uint64_t image_pa(const void *base, size_t size)
{
	uintptr_t va = (uintptr_t)base, last = trunc_page(va + size - 1);
	uint64_t pa, last_pa;
	unsigned prot;

	if (va & PAGE_MASK || !rumpuser_pmap_extract(va, &pa, &prot) ||
	    !rumpuser_pmap_extract(last, &last_pa, &prot) || last_pa - pa != last - va)
		return EROFS_UNKNOWN_PA;
	return pa;
}

static int erofs_start(void)
{
	const void *base = kern_bootinfo->rootfs;
	size_t size = kern_bootinfo->rootfs_size;
	int error;

	if (!base || size == 0)
		return 0;
	error = erofs_image_open(&image, base, size, image_pa(base, size), &vfs_lower_root);
	if (error)
		kprintf("kiln: the root image is %s\n",
		    error == EOPNOTSUPP ? "an EROFS with features not known here (compression?)"
		    : error == EINVAL	? "not an EROFS image"
					: "damaged");
	return error;
}
VFS_FILESYSTEM(erofs, VFS_STAGE_LOWER, erofs_start);
