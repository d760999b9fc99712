/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files below /proc and /sys, each a PROCFS_ENTRY.  What this component can ask the kernel for is
 * in its own folder; another component may add what only it knows.  Directories come of themselves.
 */
#ifndef VFS_PROCFS_H
#define VFS_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <kern/linkset.h>

/* Text that grows.  Once memory has run out it stays as it is, and the read fails with ENOMEM. */
struct procbuf {
	char *pb_text;
	size_t pb_len, pb_size;
	bool pb_failed;
};
void proc_printf(struct procbuf *pb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void proc_write(struct procbuf *pb, const void *data, size_t len);

struct procfs_entry {
	const char *pe_path; /* absolute: "/proc/1/maps"; /proc/self leads to /proc/1 */
	mode_t pe_kind;	     /* S_IFREG, or S_IFLNK: what it shows is where the link leads */
	/* What it holds now.  May sleep. */
	void (*pe_show)(struct procbuf *pb);
};
#define PROCFS_ENTRY(id, path, kind, show)                                                         \
	static const struct procfs_entry procfs_entry_##id = {path, kind, show};                   \
	LINK_SET_ADD(procfs_entries, procfs_entry_##id)

#endif
