/* SPDX-License-Identifier: BSD-2-Clause */
#include "elfobj.h"
#include "kiln.h"
#include "util.h"

#include <err.h>
#include <fcntl.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SHF_GNU_RETAIN
#define SHF_GNU_RETAIN (1 << 21)
#endif

static void damaged(const struct elf_object *o, const char *what)
{
	errx(kiln_failure, "%s: damaged object: %s", o->path, what);
}

const char *elfobj_symname(const struct elf_object *o, size_t sym)
{
	return o->sym[sym].st_name < o->strsize ? o->strtab + o->sym[sym].st_name : "";
}

size_t elfobj_symsec(const struct elf_object *o, size_t sym)
{
	size_t i = o->sym[sym].st_shndx;

	if (i == SHN_XINDEX && o->xindex != NULL)
		i = o->xindex[sym];
	else if (i >= SHN_LORESERVE)
		return NO_SECTION;
	return i == SHN_UNDEF || i >= o->nsec ? NO_SECTION : i;
}

/* Contents of a section as an array of T, with their number. */
static const void *contents(const struct elf_object *o, Elf_Scn *scn, size_t size, size_t *n)
{
	Elf_Data *d = elf_getdata(scn, NULL);

	if (d == NULL || (d->d_buf == NULL && d->d_size != 0))
		damaged(o, elf_errmsg(-1));
	*n = d->d_size / size;
	return d->d_buf;
}

static void read_symbols(struct elf_object *o, Elf *elf, Elf_Scn *scn, const Elf64_Shdr *sh)
{
	Elf_Scn *str = elf_getscn(elf, sh->sh_link);

	if (str == NULL)
		damaged(o, "no string table");
	o->symoff = sh->sh_offset;
	o->sym = contents(o, scn, sizeof(Elf64_Sym), &o->nsym);
	o->strtab = contents(o, str, 1, &o->strsize);
	if (o->strsize == 0 || o->strtab[o->strsize - 1] != '\0')
		damaged(o, "string table is not terminated");
}

static void read_group(struct elf_object *o, Elf_Scn *scn)
{
	size_t n;
	const Elf32_Word *word = contents(o, scn, sizeof(Elf32_Word), &n);

	for (size_t i = 1; i < n; i++)
		if (word[i] < o->nsec)
			o->sec[word[i]].group = (uint32_t)elf_ndxscn(scn);
}

static void read_sections(struct elf_object *o, Elf *elf)
{
	size_t shstrndx;
	Elf_Scn *scn = NULL;

	if (elf_getshdrnum(elf, &o->nsec) != 0 || elf_getshdrstrndx(elf, &shstrndx) != 0)
		damaged(o, elf_errmsg(-1));
	o->sec = xcalloc(o->nsec, sizeof(*o->sec));
	while ((scn = elf_nextscn(elf, scn)) != NULL) {
		const Elf64_Shdr *sh = elf64_getshdr(scn);
		struct elf_section *s = &o->sec[elf_ndxscn(scn)];

		if (sh == NULL)
			damaged(o, elf_errmsg(-1));
		s->name = elf_strptr(elf, shstrndx, sh->sh_name);
		if (s->name == NULL)
			s->name = "";
		s->size = sh->sh_size;
		s->flags = sh->sh_flags;
		s->type = sh->sh_type;
		switch (sh->sh_type) {
		case SHT_SYMTAB:
			read_symbols(o, elf, scn, sh);
			break;
		case SHT_SYMTAB_SHNDX: {
			size_t n;

			o->xindex = contents(o, scn, sizeof(*o->xindex), &n);
			break;
		}
		case SHT_GROUP:
			read_group(o, scn);
			break;
		}
	}
}

/* After the symbols are known; relocations of debugging sections are left alone. */
static void read_relocations(struct elf_object *o, Elf *elf)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn)) != NULL) {
		const Elf64_Shdr *sh = elf64_getshdr(scn);
		struct elf_section *s;

		if (sh->sh_type != SHT_RELA || sh->sh_info >= o->nsec)
			continue;
		s = &o->sec[sh->sh_info];
		if ((s->flags & SHF_ALLOC) == 0)
			continue;
		s->rela = contents(o, scn, sizeof(Elf64_Rela), &s->nrela);
		for (size_t i = 0; i < s->nrela; i++)
			if (ELF64_R_SYM(s->rela[i].r_info) >= o->nsym)
				damaged(o, "relocation against no symbol");
	}
}

static int by_offset(const void *a, const void *b)
{
	const Elf64_Rela *x = a, *y = b;

	return (x->r_offset > y->r_offset) - (x->r_offset < y->r_offset);
}

/* Relocations of rela[] with offsets in [from, to): index of the first, count. */
static size_t relocs_in(const Elf64_Rela *rela, size_t n, uint64_t from, uint64_t to, size_t *count)
{
	size_t lo = 0, hi = n, mid, end;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (rela[mid].r_offset < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < n && rela[end].r_offset < to; end++)
		continue;
	*count = end - lo;
	return lo;
}

static void add_extra(struct elf_section *s, uint32_t sym)
{
	s->extra = grow(s->extra, s->nextra, sizeof(*s->extra));
	s->extra[s->nextra++] = sym;
}

/*
 * Unwind tables do not keep functions, functions keep their unwind tables:
 * what an FDE refers to beside its function (the exception table), and its CIE
 * (the personality routine), is kept alive by the function's section.
 */
static void read_eh_frame(struct elf_object *o, struct elf_section *eh, const uint8_t *data)
{
	Elf64_Rela *rela = xcalloc(eh->nrela, sizeof(*rela));
	uint64_t off = 0, end, cie;
	uint32_t len, id;
	size_t i, n, c, nc, target;

	memcpy(rela, eh->rela, eh->nrela * sizeof(*rela));
	qsort(rela, eh->nrela, sizeof(*rela), by_offset);
	while (eh->size - off >= 8) {
		memcpy(&len, data + off, 4);
		memcpy(&id, data + off + 4, 4);
		if (len == 0) { /* terminator of one input's part */
			off += 4;
			continue;
		}
		if (len == UINT32_MAX || len < 4 || len > eh->size - off - 4)
			break;
		end = off + 4 + len;
		i = relocs_in(rela, eh->nrela, off, end, &n);
		cie = off + 4 - id;
		if (id != 0 && n > 0 && id <= off + 4) {
			memcpy(&len, data + cie, 4);
			c = relocs_in(rela, eh->nrela, cie, cie + 4 + len, &nc);
			target = elfobj_symsec(o, ELF64_R_SYM(rela[i].r_info));
			for (size_t k = 1; target != NO_SECTION && k < n; k++)
				add_extra(
				    &o->sec[target], (uint32_t)ELF64_R_SYM(rela[i + k].r_info));
			for (size_t k = 0; target != NO_SECTION && k < nc; k++)
				add_extra(
				    &o->sec[target], (uint32_t)ELF64_R_SYM(rela[c + k].r_info));
		}
		off = end;
	}
	free(rela);
	eh->nrela = 0; /* from now on no edges of its own */
}

void elfobj_read(const char *path, struct elf_object *o)
{
	const Elf64_Ehdr *eh;
	Elf *elf;
	int fd;

	*o = (struct elf_object){.path = xstrdup(path)};
	elf_version(EV_CURRENT);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		err(kiln_failure, "%s", path);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf == NULL || elf_kind(elf) != ELF_K_ELF || (eh = elf64_getehdr(elf)) == NULL ||
	    eh->e_type != ET_REL || eh->e_machine != EM_X86_64)
		errx(kiln_failure, "%s: not a relocatable object for x86-64", path);
	read_sections(o, elf);
	read_relocations(o, elf);
	for (size_t i = 1; i < o->nsec; i++) {
		size_t n;

		if (strcmp(o->sec[i].name, ".eh_frame") == 0 && o->sec[i].nrela > 0)
			read_eh_frame(o, &o->sec[i], contents(o, elf_getscn(elf, i), 1, &n));
	}
	close(fd); /* the mapping stays */
}

void elfobj_copy_weakened(const struct elf_object *o, const bool *weaken, const char *to)
{
	size_t len;
	const char *from = map_file(o->path, &len);
	char *copy;

	if (from == NULL)
		err(kiln_failure, "%s", o->path);
	if (o->symoff > len || (len - o->symoff) / sizeof(Elf64_Sym) < o->nsym)
		damaged(o, "it changed while it was read");
	copy = xcalloc(len, 1);
	memcpy(copy, from, len);
	for (size_t i = 0; i < o->nsym; i++)
		if (weaken[i])
			copy[o->symoff + i * sizeof(Elf64_Sym) + offsetof(Elf64_Sym, st_info)] =
			    (char)ELF64_ST_INFO(STB_WEAK, ELF64_ST_TYPE(o->sym[i].st_info));
	write_file(to, copy, len);
	free(copy);
}

/* ----------------------------------------------------------------- writing */

/* Strings gathered for a string table. */
static uint32_t intern(struct sbuf *b, const char *s)
{
	uint32_t at = (uint32_t)b->len;

	sbuf_add(b, s, strlen(s) + 1);
	return at;
}

static void add_section(
    Elf *elf, const char *path, Elf64_Shdr proto, const void *data, size_t len, Elf_Type type)
{
	Elf_Scn *scn = elf_newscn(elf);
	Elf_Data *d = scn ? elf_newdata(scn) : NULL;
	Elf64_Shdr *sh = scn ? elf64_getshdr(scn) : NULL;

	if (d == NULL || sh == NULL)
		errx(kiln_failure, "%s: %s", path, elf_errmsg(-1));
	d->d_buf = (void *)(uintptr_t)data;
	d->d_size = len;
	d->d_align = proto.sh_addralign ? proto.sh_addralign : 1;
	d->d_type = type;
	d->d_version = EV_CURRENT;
	*sh = proto;
}

void elfobj_write(const char *path, const struct elf_data *data, size_t n)
{
	Elf64_Sym *sym = xcalloc(1 + 2 * n, sizeof(*sym));
	struct sbuf shstr = {0}, str = {0};
	size_t nsym = 1;
	Elf64_Ehdr *eh;
	Elf *elf;
	int fd;

	elf_version(EV_CURRENT);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd == -1)
		err(kiln_failure, "%s", path);
	elf = elf_begin(fd, ELF_C_WRITE, NULL);
	eh = elf ? elf64_newehdr(elf) : NULL;
	if (eh == NULL)
		errx(kiln_failure, "%s: %s", path, elf_errmsg(-1));
	eh->e_ident[EI_DATA] = ELFDATA2LSB;
	eh->e_ident[EI_OSABI] = ELFOSABI_GNU; /* ld honours SHF_GNU_RETAIN only then */
	eh->e_type = ET_REL;
	eh->e_machine = EM_X86_64;
	intern(&shstr, "");
	intern(&str, "");
	for (size_t i = 0; i < n; i++) {
		const struct elf_data *x = &data[i];
		Elf64_Shdr sh = {.sh_name = intern(&shstr, x->section),
		    .sh_type = x->type,
		    .sh_flags = SHF_ALLOC | SHF_GNU_RETAIN,
		    .sh_addralign = x->align};

		add_section(elf, path, sh, x->data, x->len, ELF_T_BYTE);
		for (int end = 0; end < 2 && x->start != NULL; end++)
			sym[nsym++] = (Elf64_Sym){.st_name = intern(&str, end ? x->end : x->start),
			    .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
			    .st_other = STV_HIDDEN,
			    .st_shndx = (Elf64_Section)(i + 1),
			    .st_value = end ? x->len : 0};
	}
	/* An empty .note.GNU-stack says that the stack need not be executable. */
	add_section(elf, path,
	    (Elf64_Shdr){.sh_name = intern(&shstr, ".note.GNU-stack"),
		.sh_type = SHT_PROGBITS,
		.sh_addralign = 1},
	    NULL, 0, ELF_T_BYTE);
	add_section(elf, path,
	    (Elf64_Shdr){.sh_name = intern(&shstr, ".symtab"),
		.sh_type = SHT_SYMTAB,
		.sh_addralign = 8,
		.sh_entsize = sizeof(*sym),
		.sh_link = (Elf64_Word)(n + 3),
		.sh_info = 1},
	    sym, nsym * sizeof(*sym), ELF_T_SYM);
	add_section(elf, path,
	    (Elf64_Shdr){
		.sh_name = intern(&shstr, ".strtab"), .sh_type = SHT_STRTAB, .sh_addralign = 1},
	    str.s, str.len, ELF_T_BYTE);
	eh->e_shstrndx = (Elf64_Half)(n + 4);
	{
		uint32_t name = intern(&shstr, ".shstrtab");

		add_section(elf, path,
		    (Elf64_Shdr){.sh_name = name, .sh_type = SHT_STRTAB, .sh_addralign = 1},
		    shstr.s, shstr.len, ELF_T_BYTE);
	}
	if (elf_update(elf, ELF_C_WRITE) < 0)
		errx(kiln_failure, "%s: %s", path, elf_errmsg(-1));
	elf_end(elf);
	if (close(fd) == -1)
		err(kiln_failure, "%s", path);
	sbuf_free(&shstr);
	sbuf_free(&str);
	free(sym);
}
