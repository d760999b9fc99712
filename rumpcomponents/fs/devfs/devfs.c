/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills /dev when vfs starts.  The names are ordinary nodes of the root file system that carry
 * device numbers; what opens them is found by number (vfs/device.h).  Also makes the
 * directories that programs take for granted.
 */
#include <fcntl.h>
#include "devfs_impl.h"

LINK_SET_DECLARE(devices, const struct vfs_device);

/* Make the node, in place of anything that an image has there. */
static int make_node(const char *name, const struct vattr *va)
{
	char path[40];
	int error;

	if (ksnprintf(path, sizeof(path), "/dev/%s", name) >= (int)sizeof(path))
		return ENAMETOOLONG;
	error = vn_create(AT_FDCWD, path, va, NULL);
	return error == EEXIST ? 0 : error;
}

static int make_links(void)
{
	static const char *const links[][2] = {
	    {"stdin", "fd/0"}, {"stdout", "fd/1"}, {"stderr", "fd/2"}};
	int error = 0;

	for (unsigned i = 0; i < NELEM(links) && !error; i++) {
		struct vattr va = {.va_mode = S_IFLNK | 0777, .va_target = links[i][1]};
		error = make_node(links[i][0], &va);
	}
	return error;
}

static int devfs_start(void)
{
	const struct vfs_device *const *vd;
	int error = vfs_mkdirs("/dev/shm", 01777);

	if (!error)
		error = vfs_mkdirs("/tmp", 01777);
	LINK_SET_FOREACH (vd, devices) {
		struct vattr va = {.va_mode = (*vd)->vd_mode, .va_rdev = (*vd)->vd_rdev};
		if (!error && (*vd)->vd_name)
			error = make_node((*vd)->vd_name, &va);
	}
	if (!error)
		error = make_links();
	return error ? error : devfs_fd_mount();
}
VFS_FILESYSTEM(devfs, VFS_STAGE_MORE, devfs_start);
