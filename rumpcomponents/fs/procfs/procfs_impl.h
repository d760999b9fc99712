/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROCFS_IMPL_H
#define PROCFS_IMPL_H

#include <kern/systm.h>
#include <vfs/procfs.h>

struct file;

/* A file that shows what pe holds at this moment; vfs lets nobody open it for writing.  ENOMEM. */
int procfs_open(
    const struct procfs_entry *pe, int flags, uint64_t dev, uint64_t ino, struct file **fpp);
/* As vop_readlink. */
int procfs_readlink(const struct procfs_entry *pe, char *buf, size_t *len);

#endif
