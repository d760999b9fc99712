/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From what QEMU dumps to a core.  QEMU's dump-guest-memory (paging off) writes an ELF core of
 * physical memory: a PT_LOAD for each piece of it, and of each CPU a note "QEMU" with all its
 * registers, the control registers among them.  The page tables are followed from there.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core.h"
#include "util.h"

#define PTE_PRESENT  1UL
#define PTE_WRITE    2UL
#define PTE_LARGE    0x80UL
#define PTE_NX	     (1UL << 63)
#define PTE_PA	     0x000ffffffffff000UL
#define CR0_PG	     (1UL << 31)
#define MAX_SEGMENTS (1U << 22)

/* The note, version 1 (QEMU's target/i386/arch_dump.c). */
struct qemu_segment {
	uint32_t selector, limit, flags, pad;
	uint64_t base;
};
struct qemu_cpu {
	uint32_t version, size;
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags;
	struct qemu_segment cs, ds, es, fs, gs, ss, ldt, tr, gdt, idt;
	uint64_t cr[5];
};

struct dump {
	const char *data;
	size_t len;
	const Elf64_Phdr *ph;
	size_t nph;
	uint64_t cr3;
	uint64_t tables; /* so many more page tables are believed in */
	struct core core;
};

static bool physical(void *arg, uint64_t pa, void *buf, size_t len)
{
	const struct dump *d = arg;

	for (size_t i = 0; i < d->nph; i++) {
		const Elf64_Phdr *p = &d->ph[i];

		if (p->p_type != PT_LOAD || pa < p->p_paddr || pa - p->p_paddr >= p->p_filesz)
			continue;
		if (p->p_filesz - (pa - p->p_paddr) < len)
			return false;
		memcpy(buf, d->data + p->p_offset + (pa - p->p_paddr), len);
		return true;
	}
	return false;
}

/* ---------------------------------------------------------------- registers */

static void add_cpu(struct dump *d, const struct qemu_cpu *q)
{
	struct core *c = &d->core;

	/* One that was never started is in another mode, and knows no lwps. */
	if (!(q->cr[0] & CR0_PG) || q->cr[3] == 0)
		return;
	if (d->cr3 == 0)
		d->cr3 = q->cr[3] & PTE_PA;
	c->cpu = grow(c->cpu, c->ncpu, sizeof(*c->cpu));
	c->cpu[c->ncpu++] = (struct user_regs_struct){.r15 = q->r15,
	    .r14 = q->r14,
	    .r13 = q->r13,
	    .r12 = q->r12,
	    .rbp = q->rbp,
	    .rbx = q->rbx,
	    .r11 = q->r11,
	    .r10 = q->r10,
	    .r9 = q->r9,
	    .r8 = q->r8,
	    .rax = q->rax,
	    .rcx = q->rcx,
	    .rdx = q->rdx,
	    .rsi = q->rsi,
	    .rdi = q->rdi,
	    .orig_rax = UINT64_MAX,
	    .rip = q->rip,
	    .cs = q->cs.selector,
	    .eflags = q->rflags,
	    .rsp = q->rsp,
	    .ss = q->ss.selector,
	    .fs_base = q->fs.base,
	    .gs_base = q->gs.base};
}

static void read_notes(struct dump *d, const Elf64_Phdr *p)
{
	const char *at = d->data + p->p_offset, *end = at + p->p_filesz;

	while ((size_t)(end - at) >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr nh;
		size_t name, desc;
		struct qemu_cpu q;

		memcpy(&nh, at, sizeof(nh));
		name = (nh.n_namesz + 3UL) & ~3UL;
		desc = (nh.n_descsz + 3UL) & ~3UL;
		at += sizeof(nh);
		if (name + desc > (size_t)(end - at))
			return;
		if (nh.n_namesz == 5 && memcmp(at, "QEMU", 5) == 0 && nh.n_descsz >= sizeof(q)) {
			memcpy(&q, at + name, sizeof(q));
			if (q.version == 1 && q.size >= sizeof(q))
				add_cpu(d, &q);
		}
		at += name + desc;
	}
}

/* ------------------------------------------------------------------- memory */

static void add_segment(struct core *c, uint64_t va, uint64_t pa, uint64_t size, unsigned flags)
{
	struct core_segment *last = c->nsegment > 0 ? &c->segment[c->nsegment - 1] : NULL;
	char byte;

	if (!c->read(c->arg, pa, &byte, 1) || !c->read(c->arg, pa + size - 1, &byte, 1))
		return; /* a device */
	if (last != NULL && last->va + last->size == va && last->pa + last->size == pa &&
	    last->flags == flags) {
		last->size += size;
		return;
	}
	if (c->nsegment == MAX_SEGMENTS)
		return;
	c->segment = grow(c->segment, c->nsegment, sizeof(*c->segment));
	c->segment[c->nsegment++] = (struct core_segment){va, size, pa, flags};
}

/* Large pages may reach over a hole in memory: each piece of memory that they show. */
static void add_range(struct core *c, uint64_t va, uint64_t pa, uint64_t size, unsigned flags)
{
	for (size_t i = 0; i < c->nmemory; i++) {
		const struct core_memory *m = &c->memory[i];
		uint64_t lo = pa > m->pa ? pa : m->pa;
		uint64_t hi = pa + size < m->pa + m->size ? pa + size : m->pa + m->size;

		if (lo < hi)
			add_segment(c, va + (lo - pa), lo, hi - lo, flags);
	}
}

/* Level 4 is the root; a table at level n holds pages of 4096 << 9 * (n - 1). */
static void walk(struct dump *d, uint64_t table, unsigned level, uint64_t va)
{
	uint64_t pte[512], size = 4096UL << 9 * (level - 1);

	if (d->tables == 0 || !physical(d, table, pte, sizeof(pte)))
		return;
	d->tables--;
	for (uint64_t i = 0; i < 512; i++) {
		uint64_t at = va + i * size, pa = pte[i] & PTE_PA;

		if (!(pte[i] & PTE_PRESENT))
			continue;
		if (level == 4 && i >= 256)
			at |= UINT64_C(0xffff) << 48;
		if (level > 1 && !(pte[i] & PTE_LARGE))
			walk(d, pa, level - 1, at);
		else if (level < 4)
			add_range(&d->core, at, pa & -size, size,
			    PF_R | (pte[i] & PTE_WRITE ? PF_W : 0) | (pte[i] & PTE_NX ? 0 : PF_X));
	}
}

static bool by_address(const struct core_memory *a, const struct core_memory *b)
{
	return a->pa < b->pa;
}

static void add_memory(struct core *c, const Elf64_Phdr *p)
{
	struct core_memory m = {p->p_paddr, p->p_filesz};
	size_t i;

	c->memory = grow(c->memory, c->nmemory, sizeof(m));
	for (i = c->nmemory++; i > 0 && by_address(&m, &c->memory[i - 1]); i--)
		c->memory[i] = c->memory[i - 1];
	c->memory[i] = m;
}

static bool open_dump(struct dump *d, const char **why)
{
	const Elf64_Ehdr *eh = (const void *)d->data;

	*why = "QEMU's dump is damaged";
	if (d->len < sizeof(*eh) || memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 ||
	    eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_phentsize != sizeof(*d->ph) ||
	    eh->e_phoff % 8 != 0 || eh->e_phoff > d->len ||
	    (d->len - eh->e_phoff) / sizeof(*d->ph) < eh->e_phnum)
		return false;
	d->ph = (const void *)(d->data + eh->e_phoff);
	d->nph = eh->e_phnum;
	for (size_t i = 0; i < d->nph; i++) {
		const Elf64_Phdr *p = &d->ph[i];

		if (p->p_offset > d->len || d->len - p->p_offset < p->p_filesz)
			return false;
		if (p->p_type == PT_NOTE)
			read_notes(d, p);
		if (p->p_type != PT_LOAD)
			continue;
		add_memory(&d->core, p);
		d->tables += p->p_filesz / sizeof(uint64_t[512]);
	}
	*why = "no CPU had started the image";
	return d->cr3 != 0;
}

bool core_from_qemu(const char *dump, const struct symbols *s, const char *program, int signo,
    const char *path, const char **why)
{
	struct dump d = {.core = {.symbols = s, .program = program, .signo = signo}};
	bool good;

	d.data = map_file(dump, &d.len);
	if (d.data == NULL) {
		*why = "QEMU's dump cannot be read";
		return false;
	}
	d.core.read = physical;
	d.core.arg = &d;
	good = open_dump(&d, why);
	if (good) {
		walk(&d, d.cr3, 4, 0);
		good = core_write(&d.core, path, why, NULL);
	}
	free(d.core.cpu);
	free(d.core.memory);
	free(d.core.segment);
	if (d.len > 0)
		munmap((void *)(uintptr_t)d.data, d.len);
	return good;
}
