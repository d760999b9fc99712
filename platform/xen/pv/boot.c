/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot.c - from Xen's page tables to ours.
 *
 * Xen starts us with memory mapped from page 0 on, a few megabytes of it, which hw_early() takes
 * for the identity mapping that it expects: it builds page tables of ours there, as ordinary memory
 * (pmap.c).  Then every mapping of those pages is made read-only, and Xen takes them over.  What we
 * run on, until pv_main() ends it, is part of the old ones.
 *
 * Everything here obeys the rules of hw_early() (hw.h).
 */
#include "pv.h"

#include <xen/sched.h>

#define PTE_P	      1ULL
#define PTE_W	      2ULL
#define PTE_ALL	      0x67ULL /* present, writable, user, accessed, dirty */
#define PTE_ADDR      0x000ffffffffff000ULL
#define INDEX(va, l)  ((va) >> (RUMPUSER_PAGE_SHIFT + 9 * (l)) & 511)
#define PAGE_MASK     (RUMPUSER_PAGE_SIZE - 1)
#define NUPDATES      64
#define MAX_CMDLINE   MAX_GUEST_CMDLINE
#define PAGES_A_TABLE 512
#define LARGE	      (2ULL << 20)
#define OTHER_TABLES  24 /* the image's, and of higher levels */

uint64_t hw_identity_end;
struct hw_boot hw_boot;
struct start_info *pv_start_info;
uint64_t *pv_p2m;
uint64_t pv_npages;
static uint64_t behind; /* Xen's own things end here: tables, stack, what we add to the tables */

uint64_t pv_boot_end(void)
{
	return behind;
}

uint64_t hw_early(uint32_t magic, uint64_t info);
uint64_t pv_boot(uint64_t info);

static uintptr_t direct; /* the direct map that our tables have */
static struct mmu_update updates[NUPDATES];
static unsigned nupdates;

uint64_t pv_page(uint64_t mfn)
{
	uint64_t pfn = machine_to_phys_mapping[mfn];

	return pfn < pv_npages && pv_p2m[pfn] == mfn ? pfn : PV_NO_FRAME;
}

/* The entry for va in Xen's tables of level 1; NULL if there is none. */
static uint64_t *old_entry_above(uintptr_t va)
{
	uint64_t *table = (uint64_t *)pv_start_info->pt_base, *e;
	unsigned level;

	for (level = 3; level > 1; level--) {
		e = &table[INDEX(va, level)];
		if (!(*e & PTE_P))
			return NULL;
		table = (uint64_t *)(pv_page((*e & PTE_ADDR) >> RUMPUSER_PAGE_SHIFT)
				     << RUMPUSER_PAGE_SHIFT);
	}
	return &table[INDEX(va, 1)];
}

/* That of the lowest level; NULL if va is not mapped. */
static uint64_t *old_entry(uintptr_t va)
{
	uint64_t *e = old_entry_above(va), *table;

	if (e == NULL || !(*e & PTE_P))
		return NULL;
	table =
	    (uint64_t *)(pv_page((*e & PTE_ADDR) >> RUMPUSER_PAGE_SHIFT) << RUMPUSER_PAGE_SHIFT);
	e = &table[INDEX(va, 0)];
	return *e & PTE_P ? e : NULL;
}

/* The memory that Xen's tables map; they end at a hole. */
static uint64_t mapped_end(uint64_t from)
{
	uint64_t end = from & ~PAGE_MASK;

	while (end >> RUMPUSER_PAGE_SHIFT < pv_npages && old_entry(end) != NULL)
		end += RUMPUSER_PAGE_SIZE;
	return end;
}

static void flush_updates(void)
{
	if (nupdates > 0 &&
	    pv_hypercall(__HYPERVISOR_mmu_update, (uintptr_t)updates, nupdates, 0, DOMID_SELF) != 0)
		hw_machine_die('U');
	nupdates = 0;
}

/* The page at pa is one of our tables: nobody may write to it, by ours (which still can be written)
 * or theirs. */
static void protect(uint64_t pa, bool ours)
{
	uint64_t *e;

	if (ours) {
		(void)rumpuser_pmap_protect(direct + pa, 1, RUMPUSER_PROT_READ);
		return;
	}
	e = old_entry(pa);
	if (e == NULL)
		hw_machine_die('T');
	updates[nupdates].ptr = pv_machine_address((uintptr_t)e);
	updates[nupdates++].val = *e & ~PTE_W;
	if (nupdates == NUPDATES)
		flush_updates();
}

static void protect_tables(uint64_t table, unsigned level, bool ours)
{
	const uint64_t *e = (const uint64_t *)table;
	unsigned i;

	/* The first entry of the highest one is not ours: pv_boot(). */
	for (i = level == 3; level > 0 && i < 512; i++)
		if (e[i] & PTE_P)
			protect_tables(pv_page((e[i] & PTE_ADDR) >> RUMPUSER_PAGE_SHIFT)
					   << RUMPUSER_PAGE_SHIFT,
			    level - 1, ours);
	protect(table, ours);
}

/* Free memory, as far as there are frames behind it. */
static void memory(void)
{
	uint64_t pfn, start = 0;

	for (pfn = 0; pfn <= pv_npages; pfn++) {
		if (pfn < pv_npages && pv_p2m[pfn] != PV_NO_FRAME)
			continue;
		hw_mem_add(start << RUMPUSER_PAGE_SHIFT, (pfn - start) << RUMPUSER_PAGE_SHIFT);
		start = pfn + 1;
	}
}

/* Map 2 MB more, by a table in the mapped page at `table`.  Both are multiples of their sizes. */
static bool map_more(uint64_t table, uint64_t end)
{
	uint64_t *t = (uint64_t *)table, *e = old_entry(table), *above = old_entry_above(end), i,
		 mfn;

	if (e == NULL || above == NULL || end % LARGE != 0)
		return false;
	for (i = 0; i < 512; i++) {
		mfn = pv_frame((end >> RUMPUSER_PAGE_SHIFT) + i);
		t[i] = mfn == PV_NO_FRAME ? 0 : mfn << RUMPUSER_PAGE_SHIFT | PTE_ALL;
	}
	updates[0].ptr = pv_machine_address((uintptr_t)e);
	updates[0].val = *e & ~PTE_W;
	updates[1].ptr = pv_machine_address((uintptr_t)above);
	updates[1].val = pv_machine_address(table) | PTE_ALL;
	nupdates = 2;
	flush_updates();
	return true;
}

/*
 * The table pages for the direct map must fit into what is mapped: below the image, and behind
 * Xen's own things, which a few more tables for Xen's become part of if that is not enough.  Memory
 * that is too much for that, beyond some 500 GB, is left alone.
 */
static void make_room(uint64_t image)
{
	uint64_t need = pv_npages / 512 + pv_npages / (512 * 512) + OTHER_TABLES, room, pages;

	for (;;) {
		room = (image + hw_identity_end - behind) >> RUMPUSER_PAGE_SHIFT;
		if (room >= need || hw_identity_end >> RUMPUSER_PAGE_SHIFT >= pv_npages ||
		    behind >= hw_identity_end || !map_more(behind, hw_identity_end))
			break;
		behind += RUMPUSER_PAGE_SIZE;
		hw_identity_end += LARGE;
		if (hw_identity_end >> RUMPUSER_PAGE_SHIFT > pv_npages)
			hw_identity_end = pv_npages << RUMPUSER_PAGE_SHIFT;
	}
	room -= room > OTHER_TABLES ? OTHER_TABLES : room;
	pages = room * PAGES_A_TABLE;
	if (pv_npages > pages)
		pv_npages = pages;
}

/* What hw_early() asks for: the part that bootproto.c plays on machines. */
void hw_bootproto(uint32_t magic, uint64_t pa)
{
	struct start_info *si = (struct start_info *)pa;
	uint64_t image = (uintptr_t)__ehdr_start;

	pv_start_info = si;
	pv_p2m = (uint64_t *)si->mfn_list;
	pv_npages = si->nr_pages;
	/* Behind the tables is a page of stack. */
	behind = si->pt_base + (si->nr_pt_frames + 1) * RUMPUSER_PAGE_SIZE;
	hw_identity_end = mapped_end(si->pt_base);
	if (hw_identity_end < behind)
		behind = hw_identity_end;
	make_room(image);
	memory();
	hw_mem_exclude(image, behind - image);
	hw_boot_ram(0, pv_npages << RUMPUSER_PAGE_SHIFT);
	hw_boot.cmdline_pa = (uintptr_t)si->cmd_line;
	while (hw_boot.cmdline_len < MAX_CMDLINE - 1 && si->cmd_line[hw_boot.cmdline_len] != '\0')
		hw_boot.cmdline_len++;
}

/* Returns what to add to our addresses to get the final ones. */
uint64_t pv_boot(uint64_t info)
{
	uint64_t slide = hw_early(0, info), pa, mfn;
	struct mmuext_op op[3];
	unsigned i;

	direct = hw_physmap;
	hw_physmap = 0;
	pa = pv_start_info->pt_base;
	(void)rumpuser_pmap_protect(
	    direct + pa, (behind - pa) >> RUMPUSER_PAGE_SHIFT, RUMPUSER_PROT_READ);
	hw_pml4[0] = *(uint64_t *)pv_start_info->pt_base;
	protect_tables(hw_pml4_pa, 3, true);
	protect_tables(hw_pml4_pa, 3, false);
	flush_updates();
	mfn = pv_frame(hw_pml4_pa >> RUMPUSER_PAGE_SHIFT);
	for (i = 0; i < 3; i++)
		op[i].arg1.mfn = mfn;
	op[0].cmd = MMUEXT_PIN_L4_TABLE;
	op[1].cmd = MMUEXT_NEW_BASEPTR;
	op[2].cmd = MMUEXT_NEW_USER_BASEPTR;
	if (pv_hypercall(__HYPERVISOR_mmuext_op, (uintptr_t)op, 3, 0, DOMID_SELF) != 0)
		hw_machine_die('L');
	hw_physmap = direct;
	return slide;
}
