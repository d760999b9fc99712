/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the program and the kernel find in memory: the map that is handed
 * over, protections, page tables.
 */
#include "teststub.h"

#define WRITE_FAULT (FAULTED | RUMPUSER_PFERR_PRESENT | RUMPUSER_PFERR_WRITE)
#define EXEC_FAULT  (FAULTED | RUMPUSER_PFERR_PRESENT | RUMPUSER_PFERR_EXEC)
#define LARGE	    0x200000UL
#define RW	    (RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE)

static const char *const names[] = {"constant", "pointers", "in relro"};
static int data_word = 3;
static int *data_pointer = &data_word;
static uint8_t code_bytes[16] = {0xc3};

extern char __ehdr_start[];

static char *alias_of(const void *p)
{
	uint64_t pa = 0;
	unsigned prot = 0;

	CHECK(rumpuser_pmap_extract((uintptr_t)p, &pa, &prot));
	return (char *)(info->physmap + pa);
}

static bool same(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b)
		a++, b++;
	return *a == *b;
}

void test_boot(void)
{
	uint64_t image_pa = (uint64_t)alias_of(__ehdr_start) - info->physmap, total = 0;
	uint64_t image_size = info->image_end - info->image_base;
	const struct rumpuser_memregion *m;
	unsigned i, j;

	CHECK(same(info->platform, "hw"));
	CHECK(info->image_base == (uintptr_t)__ehdr_start);
	CHECK((info->image_base & 4095) == 0 && (info->image_end & 4095) == 0);
	CHECK(info->va_lo < info->va_hi && info->va_hi <= info->image_base);
	CHECK(info->nmem > 0);
	CHECK(info->rootfs == NULL && info->rootfs_size == 0);
	CHECK(data_pointer == &data_word && *data_pointer == 3);
	CHECK(same(names[1], "pointers"));
	for (i = 0; i < info->nmem; i++) {
		m = &info->mem[i];
		total += m->size;
		CHECK((m->pa & 4095) == 0 && (m->size & 4095) == 0 && m->size > 0 && m->pa >= 4096);
		/* The two guard pages lie in the image and are given back. */
		CHECK(m->pa + m->size <= image_pa || m->pa >= image_pa + image_size ||
		      m->size == 4096);
		for (j = 0; j < i; j++)
			CHECK(m->pa + m->size <= info->mem[j].pa ||
			      m->pa >= info->mem[j].pa + info->mem[j].size);
		if (free_mem[i].size == 0)
			continue;
		*(volatile uint64_t *)(info->physmap + m->pa) = 0;
		*(volatile uint64_t *)(info->physmap + m->pa + free_mem[i].size - 8) = 0;
	}
	CHECK(total > (2UL << 20));
}

void test_protection(void)
{
	static const uint8_t constant[16] = {0xc3};
	char *text = (char *)test_boot;
	uint8_t on_stack_code[16];
	uint64_t pa = page_alloc();

	CHECK(try_write(text) == WRITE_FAULT);
	CHECK(try_write(alias_of(text)) == WRITE_FAULT);
	CHECK(try_exec(alias_of(text)) == EXEC_FAULT);
	CHECK(try_write((char *)constant) == WRITE_FAULT);
	CHECK(try_write(alias_of(constant)) == WRITE_FAULT);
	CHECK(try_exec((char *)constant) == EXEC_FAULT);
	CHECK(try_write((char *)names) == WRITE_FAULT);
	CHECK(try_write(alias_of(names)) == WRITE_FAULT);
	CHECK(try_write(__ehdr_start) == WRITE_FAULT);
	CHECK(try_write(code_bytes) == 0);
	CHECK(try_exec(code_bytes) == EXEC_FAULT);
	CHECK(try_write(on_stack_code) == 0);
	CHECK(try_exec(on_stack_code) == EXEC_FAULT);
	CHECK(try_write((void *)(info->physmap + pa)) == 0);
	CHECK(try_exec((void *)(info->physmap + pa)) == EXEC_FAULT);
	CHECK(try_read((void *)8) == FAULTED);
	CHECK(try_read((void *)4095) == FAULTED);
	/* The identity mapping of start-up is gone. */
	CHECK(try_read((void *)0x100000) == FAULTED);
	CHECK(try_read((void *)(info->image_base - 4096)) == FAULTED);
	rumpkern_page_free(pa);
}

static bool is_mapped(uintptr_t va, uint64_t want, unsigned prot)
{
	uint64_t pa;
	unsigned p;

	return rumpuser_pmap_extract(va, &pa, &p) && pa == want && p == prot;
}

static bool is_hole(uintptr_t va)
{
	uint64_t pa;
	unsigned prot;

	return !rumpuser_pmap_extract(va, &pa, &prot);
}

static void small_pages(void)
{
	uintptr_t va = info->va_lo + 5 * LARGE - 2 * 4096;
	uint64_t a = page_alloc(), b = page_alloc();

	*(volatile uint64_t *)(info->physmap + a) = 1;
	*(volatile uint64_t *)(info->physmap + b) = 2;
	CHECK(rumpuser_pmap_enter(va, a, 1, RW) == 0);
	CHECK(*(volatile uint64_t *)va == 1);
	CHECK(rumpuser_pmap_enter(va, b, 1, RW) == 0);
	CHECK(*(volatile uint64_t *)va == 2);
	CHECK(is_mapped(va, b, RW));
	CHECK(is_hole(va + 4096));
	CHECK(rumpuser_pmap_protect(va - 4096, 3, RUMPUSER_PROT_READ) == 0);
	CHECK(is_hole(va + 4096) && is_hole(va - 4096));
	CHECK(try_write((void *)va) == WRITE_FAULT);
	CHECK(try_read((void *)va) == 0);
	CHECK(rumpuser_pmap_protect(va, 1, RUMPUSER_PROT_NONE) == 0);
	CHECK(is_mapped(va, b, RUMPUSER_PROT_NONE));
	CHECK(try_read((void *)va) == FAULTED);
	CHECK(rumpuser_pmap_protect(va, 1, RUMPUSER_PROT_READ | RUMPUSER_PROT_EXEC) == 0);
	*(volatile uint8_t *)(info->physmap + b) = 0xc3;
	CHECK(try_exec((void *)va) == 0);
	rumpuser_pmap_remove(va - 4096, 3);
	CHECK(is_hole(va));
	CHECK(try_read((void *)va) == FAULTED);
	rumpkern_page_free(a);
	rumpkern_page_free(b);
}

/* Physical address 0 is as good as any: nobody looks at what is behind. */
static void large_pages(void)
{
	uintptr_t va = info->va_lo + 511 * LARGE;
	unsigned before, i;

	va = (va + LARGE - 1) & ~(LARGE - 1);
	/* Have the upper levels there, for the count below. */
	CHECK(rumpuser_pmap_enter(va, 0, 1, RUMPUSER_PROT_READ) == 0);
	rumpuser_pmap_remove(va, 512);
	CHECK(rumpuser_pmap_enter(va, 0, 512, RUMPUSER_PROT_READ) == 0);
	before = pages_out();
	CHECK(is_mapped(va + 77 * 4096, 77 * 4096, RUMPUSER_PROT_READ));
	CHECK(try_read((void *)(va + 0x100000)) == 0);
	CHECK(rumpuser_pmap_protect(va, 512, RUMPUSER_PROT_NONE) == 0);
	CHECK(is_mapped(va + 4096, 4096, RUMPUSER_PROT_NONE));
	CHECK(rumpuser_pmap_protect(va, 512, RUMPUSER_PROT_READ) == 0);
	CHECK(pages_out() == before);
	/* Parts of it: the rest stays as it was. */
	rumpuser_pmap_remove(va + 10 * 4096, 3);
	CHECK(pages_out() == before + 1);
	CHECK(is_hole(va + 10 * 4096) && is_hole(va + 12 * 4096));
	CHECK(is_mapped(va + 9 * 4096, 9 * 4096, RUMPUSER_PROT_READ));
	CHECK(is_mapped(va + 13 * 4096, 13 * 4096, RUMPUSER_PROT_READ));
	CHECK(is_mapped(va + 511 * 4096, 511 * 4096, RUMPUSER_PROT_READ));
	CHECK(rumpuser_pmap_protect(va + 20 * 4096, 1, RUMPUSER_PROT_NONE) == 0);
	CHECK(is_mapped(va + 20 * 4096, 20 * 4096, RUMPUSER_PROT_NONE));
	CHECK(rumpuser_pmap_enter(va, 0, 512, RUMPUSER_PROT_READ) == 0);
	CHECK(pages_out() == before);
	CHECK(is_mapped(va + 11 * 4096, 11 * 4096, RUMPUSER_PROT_READ));
	CHECK(rumpuser_pmap_protect(va + 4096, 1, RW) == 0);
	CHECK(is_mapped(va + 4096, 4096, RW) && is_mapped(va, 0, RUMPUSER_PROT_READ));
	rumpuser_pmap_remove(va - 3 * 4096, 4096);
	for (i = 0; i < 512; i += 73)
		CHECK(is_hole(va + i * 4096));
	CHECK(pages_out() == before);
}

static bool finds(uintptr_t from, uintptr_t end, uintptr_t va, uint64_t want_pa)
{
	uint64_t pa = want_pa;
	unsigned prot = RUMPUSER_PROT_READ;

	return rumpuser_pmap_next(from, end, &pa, &prot, NULL) == va && pa == want_pa &&
	       prot == RUMPUSER_PROT_READ;
}

/* What is passed over: single entries, tables that are missing at every level. */
static void next_pages(void)
{
	uintptr_t lo = (info->va_lo + (64UL << 30)) & ~((1UL << 30) - 1), hi = lo + (2UL << 40);
	uintptr_t va[] = {lo + 3 * 4096, lo + LARGE - 4096, lo + 7 * LARGE, lo + (3UL << 30),
	    lo + (1UL << 40) + 4096, hi - 4096};
	uint64_t start;
	unsigned i;

	CHECK(finds(lo, hi, hi, 0));
	CHECK(finds(lo, lo, lo, 0));
	for (i = 0; i < 6; i++)
		CHECK(rumpuser_pmap_enter(
			  va[i], (uint64_t)i * LARGE, i == 2 ? 512 : 1, RUMPUSER_PROT_READ) == 0);
	CHECK(finds(lo, hi, va[0], 0));
	for (i = 0; i < 5; i++) {
		CHECK(finds(va[i], hi, va[i], (uint64_t)i * LARGE));
		CHECK(finds(
		    va[i] + (i == 2 ? LARGE : 4096), hi, va[i + 1], (uint64_t)(i + 1) * LARGE));
		CHECK(finds(va[i] + (i == 2 ? LARGE : 4096), va[i + 1], va[i + 1], 0));
	}
	CHECK(finds(va[2] + 9 * 4096, hi, va[2] + 9 * 4096, 2 * LARGE + 9 * 4096));
	CHECK(finds(hi, hi, hi, 0));
	/* A terabyte of holes: seconds, were it gone through page by page. */
	start = rumpuser_clock_monotonic();
	CHECK(finds(va[4] + 4096, hi, va[5], 5 * LARGE));
	CHECK(rumpuser_clock_monotonic() - start < 1000000000);
	CHECK(is_hole(-4096UL) && is_hole(-1UL));
	rumpuser_pmap_remove(lo, (hi - lo) >> 12);
	CHECK(finds(lo, hi, hi, 0));
}

static size_t run_from(uintptr_t va, uintptr_t end)
{
	size_t n = 0;
	uint64_t pa;
	unsigned prot;

	CHECK(rumpuser_pmap_next(va, end, &pa, &prot, &n) == va);
	return n;
}

/* Runs end with the range, the page table, and where a page is missing, elsewhere or another's. */
static void runs(void)
{
	uintptr_t lo = (info->va_lo + (64UL << 30)) & ~((1UL << 30) - 1),
		  va = lo + LARGE - 20 * 4096;
	unsigned i;

	CHECK(rumpuser_pmap_enter(va, LARGE, 40, RUMPUSER_PROT_READ) == 0);
	CHECK(run_from(va, va + 7 * 4096) == 7);
	CHECK(run_from(va, va + 4096) == 1);
	CHECK(run_from(va, va + 40 * 4096) == 20);
	CHECK(run_from(va + 20 * 4096, va + 40 * 4096) == 20);
	CHECK(
	    rumpuser_pmap_protect(va + 5 * 4096, 1, RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE) == 0);
	rumpuser_pmap_remove(va + 10 * 4096, 1);
	CHECK(rumpuser_pmap_enter(va + 13 * 4096, 0, 1, RUMPUSER_PROT_READ) == 0);
	static const unsigned at[] = {0, 5, 6, 11, 13, 14}, length[] = {5, 1, 4, 2, 1, 6};
	for (i = 0; i < 6; i++)
		CHECK(run_from(va + at[i] * 4096, va + 40 * 4096) == length[i]);
	rumpuser_pmap_remove(va, 40);
}

static void no_memory(void)
{
	uintptr_t va = info->va_lo + (40UL << 30);

	refuse_pages = true;
	CHECK(rumpuser_pmap_enter(va, 0, 1, RUMPUSER_PROT_READ) == 12); /* ENOMEM */
	CHECK(is_hole(va));
	refuse_pages = false;
	CHECK(rumpuser_pmap_enter(va, 0, 1, RUMPUSER_PROT_READ) == 0);
	rumpuser_pmap_remove(va, 1);
}

void test_pmap(void)
{
	small_pages();
	large_pages();
	next_pages();
	runs();
	no_memory();
	CHECK(is_hole(info->va_hi - 4096));
	CHECK(is_hole(0));
	CHECK(rumpuser_dma_addr(12345) == 12345);
}
