/* SPDX-License-Identifier: BSD-2-Clause */
/* Files for the kernel's own use: configuration that components leave for libc to find. */
#ifndef VFS_VFS_KERN_H
#define VFS_VFS_KERN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Make the file at an absolute path hold exactly these bytes; missing directories are made.  For
 * components that may be linked without vfs: the declaration is weak, test the address. ENOSPC
 * ENOMEM ENOTDIR EISDIR.  May sleep.  From RUMP_PHASE_NET on.
 */
int vfs_writefile(const char *path, const void *data, size_t len, mode_t mode)
    __attribute__((weak));

/* A directory and those above it; it may exist.  As above. */
int vfs_mkdirs(const char *path, mode_t mode) __attribute__((weak));

/* A new file without a name, read and write.  ENOSPC ENOMEM.  The caller has its one reference. */
struct file;
int vfs_tmpfile(struct file **fpp);

/* A file is there. */
bool vfs_exists(const char *path) __attribute__((weak));

#endif
