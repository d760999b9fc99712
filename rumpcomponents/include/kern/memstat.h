/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kiln_memstat() tells a program about the kernel's memory.  Tests include this file, too.
 */
#ifndef KERN_MEMSTAT_H
#define KERN_MEMSTAT_H

#include <stdint.h>

#define KILN_MEMSTAT_POOLS 96

struct kiln_memstat {
	uint64_t ms_pages_free;
	uint64_t ms_kmem_bytes; /* in use, of kmem_alloc() */
	uint64_t ms_npools;
	struct {
		char name[24];
		uint64_t live;	       /* objects in use */
	} ms_pool[KILN_MEMSTAT_POOLS]; /* in no order: new ones come at any time */
};

#endif
