/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * early.c - gives the image its final address: chooses random bases, builds
 * the page tables, applies the relocations.
 *
 *  0x0000_0010_0000 ...  va_lo .. va_hi: the address-space map of kern
 *  0x5xxx_xxxx_x000      the image: text R-X, rodata and relro R--, data RW-,
 *                        guard pages of the boot CPU's stacks not mapped
 *  0xffff_8xxx_x...      our window (device registers, stacks of other CPUs),
 *                        directly followed by the direct map, RW- and never
 *                        executable, R-- where the image is not writable
 *
 * Page 0 is mapped nowhere.  Runs on the identity mapping; see hw.h for what
 * that forbids.
 */
#include "machine.h"

#define GB	   (1ULL << 30)
#define LARGE	   (2ULL << 20)
#define IMAGE_BASE 0x500000000000ULL
#define IMAGE_BITS 23 /* choices of 2 MB */

static struct rumpuser_memregion ram[HW_MAXREGIONS]; /* what the direct map covers */
static unsigned nram;

uint64_t hw_early(uint32_t magic, uint64_t info);

void hw_boot_ram(uint64_t pa, uint64_t size)
{
	uint64_t lo = pa & ~(LARGE - 1), hi = (pa + size + LARGE - 1) & ~(LARGE - 1);

	if (size == 0 || hi <= lo)
		return;
	/* Neighbours in one 2 MB page: QEMU lists memory in rising order. */
	if (nram > 0 && lo >= ram[nram - 1].pa && lo <= ram[nram - 1].pa + ram[nram - 1].size) {
		if (hi > ram[nram - 1].pa + ram[nram - 1].size)
			ram[nram - 1].size = hi - ram[nram - 1].pa;
		return;
	}
	if (nram == HW_MAXREGIONS)
		return;
	ram[nram].pa = lo;
	ram[nram++].size = hi - lo;
}

static void map(uintptr_t va, uint64_t pa, uint64_t size, unsigned prot)
{
	if (size > 0 && rumpuser_pmap_enter(va, pa, size >> RUMPUSER_PAGE_SHIFT, prot) != 0)
		hw_machine_die('M');
}

static void map_physical(uintptr_t physmap)
{
	unsigned i;

	for (i = 0; i < nram; i++)
		map(physmap + ram[i].pa, ram[i].pa, ram[i].size,
		    RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE);
}

/* Map [from, to) of the image at its final place; its alias loses what it must. */
static void map_image(
    uint64_t slide, uintptr_t physmap, const char *from, const char *to, unsigned prot)
{
	uint64_t lo = (uintptr_t)from & ~(RUMPUSER_PAGE_SIZE - 1);
	uint64_t hi = ((uintptr_t)to + RUMPUSER_PAGE_SIZE - 1) & ~(RUMPUSER_PAGE_SIZE - 1);

	map(lo + slide, lo, hi - lo, prot);
	if (!(prot & RUMPUSER_PROT_WRITE) && hi > lo &&
	    rumpuser_pmap_protect(
		physmap + lo, (hi - lo) >> RUMPUSER_PAGE_SHIFT, RUMPUSER_PROT_READ) != 0)
		hw_machine_die('P');
}

static void map_all(uint64_t slide, uintptr_t physmap)
{
	const unsigned r = RUMPUSER_PROT_READ, rw = r | RUMPUSER_PROT_WRITE;

	map_physical(physmap);
	map_image(slide, physmap, __ehdr_start, __kiln_text_start, r);
	map_image(slide, physmap, __kiln_text_start, __kiln_text_end, r | RUMPUSER_PROT_EXEC);
	map_image(slide, physmap, __kiln_relro_start, __kiln_relro_end, r);
	map_image(slide, physmap, __kiln_data_start, hw_guard0, rw);
	map_image(slide, physmap, hw_boot_stack, hw_guard1, rw);
	map_image(slide, physmap, hw_istack0, __kiln_data_end, rw);
	map_image(slide, physmap, __kiln_rootfs_start, __kiln_rootfs_end, r);
}

/*
 * Addresses in RELR are those at link time, which was at 0: our base now is
 * what to add to find them, the new base what to add to what they hold.
 */
static void relocate(uintptr_t base, uint64_t newbase)
{
	const uint64_t *e, *where = NULL;
	uint64_t bits, *p;

	for (e = __kiln_relr_start; e < __kiln_relr_end; e++) {
		if ((*e & 1) == 0) {
			p = (uint64_t *)(base + *e);
			*p++ += newbase;
		} else {
			p = (uint64_t *)where;
			for (bits = *e >> 1; bits != 0; bits >>= 1, p++)
				if (bits & 1)
					*p += newbase;
			p = (uint64_t *)where + 63;
		}
		where = p;
	}
	/* Elf64_Rela {offset, info, addend}: only R_X86_64_RELATIVE can occur. */
	for (e = __kiln_rela_start; e + 3 <= __kiln_rela_end; e += 3) {
		if ((uint32_t)e[1] != 8)
			hw_machine_die('R');
		p = (uint64_t *)(base + e[0]);
		__builtin_memcpy(p, &(uint64_t){e[2] + newbase}, sizeof(*p));
	}
}

/* Returns what to add to our addresses to get the final ones. */
uint64_t hw_early(uint32_t magic, uint64_t info)
{
	uint64_t base = (uintptr_t)__ehdr_start, newbase, npages, top = 0;
	uintptr_t physmap;
	unsigned i;

	hw_features_init();
	hw_bootproto(magic, info);
	hw_mem_exclude(base, __kiln_image_end - __ehdr_start);
	for (i = 0; i < nram; i++)
		if (ram[i].pa + ram[i].size > top)
			top = ram[i].pa + ram[i].size;

	/* Where it fits, stay within one page of page table. */
	npages = (__kiln_image_end - __ehdr_start + RUMPUSER_PAGE_SIZE - 1) >> RUMPUSER_PAGE_SHIFT;
	newbase = IMAGE_BASE + (hw_random() & ((1U << IMAGE_BITS) - 1)) * LARGE +
		  hw_random() % (npages < 512 ? 513 - npages : 512) * RUMPUSER_PAGE_SIZE;
	physmap = HW_PHYSMAP_BASE + (hw_random() & 63) * 512 * GB +
		  (1 + (top <= 256 * GB ? hw_random() % 255 : 0)) * GB;

	hw_pml4_pa = (uintptr_t)hw_pml4;
	map_all(newbase - base, physmap);
	relocate(base, newbase);
	hw_window_end = physmap;
	hw_window = physmap - GB + (hw_random() & 255) * LARGE;
	hw_physmap = physmap;
	return newbase - base;
}
