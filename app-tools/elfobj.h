/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elfobj.h - relocatable x86-64 objects: reading them (with libelf) as the
 * reachability walk wants them, and writing one that carries data.
 */
#ifndef KILN_ELFOBJ_H
#define KILN_ELFOBJ_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NO_SECTION SIZE_MAX

struct elf_section {
	const char *name;
	uint64_t size, flags;
	uint32_t type;
	uint32_t group; /* section index of its group, 0 if in none */
	const Elf64_Rela *rela;
	size_t nrela;
	uint32_t *extra; /* symbols kept alive with this section by .eh_frame */
	size_t nextra;
};

struct elf_object {
	const char *path;
	struct elf_section *sec;
	size_t nsec;
	const Elf64_Sym *sym;
	size_t nsym;
	uint64_t symoff;	  /* of the symbol table in the file */
	const Elf32_Word *xindex; /* section indices that do not fit a symbol */
	const char *strtab;
	size_t strsize;
};

/* Read an object.  Ends the command if it is damaged.  Lives to the end. */
void elfobj_read(const char *path, struct elf_object *o);
const char *elfobj_symname(const struct elf_object *o, size_t sym);
/* Section that a symbol is defined in; NO_SECTION if undefined, absolute or common. */
size_t elfobj_symsec(const struct elf_object *o, size_t sym);

static inline bool elfobj_defined(const Elf64_Sym *s)
{
	return s->st_shndx != SHN_UNDEF;
}

/* Copy the object's file, with these symbols (a true per symbol) made weak. */
void elfobj_copy_weakened(const struct elf_object *o, const bool *weaken, const char *to);

/* One section of an object to be written; symbols may be NULL. */
struct elf_data {
	const char *section;
	uint32_t type; /* SHT_PROGBITS or SHT_NOTE */
	uint64_t align;
	const void *data;
	size_t len;
	const char *start, *end; /* global symbols at its start and end */
};

/* Write an object of read-only, retained sections. */
void elfobj_write(const char *path, const struct elf_data *data, size_t n);

#endif
