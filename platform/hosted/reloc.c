/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image relocates itself: a static PIE has no dynamic linker.  The linker
 * packs almost all relocations as RELR; what remains is R_X86_64_RELATIVE.
 * Nothing in this file may itself need a relocation.
 */
#include <linux/elf.h>

#include "hosted.h"
#include "syscall.h"

#define R_X86_64_RELATIVE 8
#define DT_RELRSZ	  35
#define DT_RELR		  36
#define PROT_READ	  1

/*
 * RELR: an even word is an address to relocate; an odd one says with 63 bits
 * which of the words that follow are relocated as well.
 */
static void relocate_relr(uintptr_t base, const uint64_t *relr, size_t size)
{
	uint64_t *where = NULL;

	for (size_t i = 0; i < size / sizeof(*relr); i++) {
		uint64_t entry = relr[i];

		if ((entry & 1) == 0) {
			where = (uint64_t *)(base + entry);
			*where++ += base;
			continue;
		}
		for (unsigned bit = 0; (entry >>= 1) != 0; bit++) {
			if (entry & 1)
				where[bit] += base;
		}
		where += 63;
	}
}

static void relocate_rela(uintptr_t base, const Elf64_Rela *rela, size_t size)
{
	for (size_t i = 0; i < size / sizeof(*rela); i++) {
		if (ELF64_R_TYPE(rela[i].r_info) != R_X86_64_RELATIVE)
			__builtin_trap();
		*(uint64_t *)(base + rela[i].r_offset) = base + (uint64_t)rela[i].r_addend;
	}
}

/* The tables of pointers are constant from here on. */
static void protect_relro(uintptr_t base)
{
	const Elf64_Ehdr *eh = (const void *)base;
	const Elf64_Phdr *ph = (const void *)(base + eh->e_phoff);

	for (unsigned i = 0; i < eh->e_phnum; i++) {
		uintptr_t lo = base + ph[i].p_vaddr;
		uintptr_t hi = (lo + ph[i].p_memsz) & ~(RUMPUSER_PAGE_SIZE - 1);

		lo &= ~(RUMPUSER_PAGE_SIZE - 1);
		if (ph[i].p_type == PT_GNU_RELRO && hi > lo)
			host_syscall3(__NR_mprotect, (long)lo, (long)(hi - lo), PROT_READ);
	}
}

void hosted_relocate(uintptr_t base, const void *dynamic)
{
	uint64_t rela = 0, relasz = 0, relr = 0, relrsz = 0;

	for (const Elf64_Dyn *d = dynamic; d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_RELA)
			rela = d->d_un.d_ptr;
		else if (d->d_tag == DT_RELASZ)
			relasz = d->d_un.d_val;
		else if (d->d_tag == DT_RELR)
			relr = d->d_un.d_ptr;
		else if (d->d_tag == DT_RELRSZ)
			relrsz = d->d_un.d_val;
	}
	relocate_rela(base, (const void *)(base + rela), relasz);
	relocate_relr(base, (const void *)(base + relr), relrsz);
	protect_relro(base);
}
