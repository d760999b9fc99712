/* SPDX-License-Identifier: BSD-2-Clause */
/* How kern/base starts kern/mem, on the boot CPU, before anything else is allocated. */
#ifndef KERN_MEM_INIT_H
#define KERN_MEM_INIT_H

#include <stdint.h>

struct rumpuser_memregion;

/* Free physical memory, direct-mapped at physmap; caches for ncpu CPUs. */
void page_init(
    const struct rumpuser_memregion *mem, unsigned nmem, uintptr_t physmap, unsigned ncpu);
/* The range of the address-space map. */
void vm_init(uintptr_t va_lo, uintptr_t va_hi);

#endif
