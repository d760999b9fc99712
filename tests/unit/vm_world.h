/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the address-space map have in common, beside mem_world.h. */
#ifndef VM_WORLD_H
#define VM_WORLD_H

#include <stdint.h>
#include <sys/mman.h>

#include "mem_impl.h"
#include "mem_world.h"

#define LO	(WORLD_VA + 20000 * PAGE_SIZE) /* a place in the window that is the tests' own */
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

/*
 * What the program does at va: faults until the access works.  The byte there; NULL: SIGSEGV or
 * worse, *error says why.
 */
uint8_t *touch(uintptr_t va, int write, int *error);

/* How many pages of the program's are mapped anywhere. */
uint64_t mapped_user_pages(void);

/* Fails unless the map's order, borders, promises and page counts are right, and no lock is held.
 */
void check_tree(void);

#endif
