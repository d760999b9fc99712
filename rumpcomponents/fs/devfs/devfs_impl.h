/* SPDX-License-Identifier: BSD-2-Clause */
/* fs/devfs's own. */
#ifndef DEVFS_IMPL_H
#define DEVFS_IMPL_H

#include <kern/systm.h>
#include <vfs/device.h>
#include <vfs/mount.h>
#include <vfs/namei.h>
#include <vfs/vfs_kern.h>
#include <vfs/vnode.h>

/* Mount /dev/fd. */
int devfs_fd_mount(void);

#endif
