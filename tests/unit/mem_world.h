/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine for kern/mem's real sources: physical memory is an arena, page tables are an
 * array over a window of addresses that are never dereferenced.
 */
#ifndef MEM_WORLD_H
#define MEM_WORLD_H

#include <stdint.h>

#define WORLD_PAGES  3072	   /* 12 MiB of memory, in two regions */
#define WORLD_VA     0x100000000UL /* the window: 256 MiB */
#define WORLD_VPAGES 65536

struct world_pte {
	uint64_t pa;
	unsigned prot;
	unsigned present;
};
extern struct world_pte world_pt[WORLD_VPAGES];
/* Make it: page_init() and vm_init() are called. */
void world_init(void);
/* The n-th rumpuser_pmap_enter() from now fails; negative: none. */
extern long world_enter_fails;
/* Likewise rumpuser_pmap_protect(), after the first half of the pages. */
extern long world_protect_fails;
/* Calls of rumpuser_pmap_extract() and rumpuser_pmap_next(). */
extern unsigned long world_looks;
/* Pages of the largest range that was removed at once. */
extern unsigned long world_removed;
/* What the program would find at va, through the page table; NULL if a fault would come. */
void *world_access(uintptr_t va, int write);

#endif
