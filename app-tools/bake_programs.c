/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several programs in one image.
 *
 * Each unbaked program is a whole: main, libc, everything.  So that they can be linked into one
 * file, those behind the first are copied with other names: every global symbol gets the
 * program's name in front ("b:main"), but for the system calls and what the linker defines; so
 * do arrays of constructors and linker sets, a number.  Of all programs, the first too, data
 * and bss go into sections of their own, in one piece each, so that the kernel can make a
 * program as new and start it again.
 *
 * What is the linker's to do is in a script that adds to the platform's: where these
 * sections go, and the table of programs (kern/exec reads it).  Thread-local data of all programs
 * makes one image, as its place is fixed when linking: every thread has it all.
 */
#include "bake.h"
#include "kiln.h"

#include <ctype.h>
#include <elf.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 31 /* of a program: kern/exec */

/* A file being changed: strings are added behind its end. */
struct copy {
	char *data;
	size_t len;
	Elf64_Shdr *sh;
	size_t nsec;
	size_t number; /* of the program */
	const char *name;
};

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* .data and .data.x, not .database. */
static bool in_family(const char *s, const char *family)
{
	size_t n = strlen(family);

	return strncmp(s, family, n) == 0 && (s[n] == '\0' || s[n] == '.');
}

static bool is_identifier(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && *s != '_')
			return false;
	return true;
}

/* New name of a section, NULL if it keeps its own. */
static char *section_name(const struct copy *c, const char *name)
{
	static const char *const arrays[] = {
	    ".init_array", ".fini_array", ".preinit_array", ".ctors", ".dtors"};

	if (in_family(name, ".data") && !in_family(name, ".data.rel.ro"))
		return xasprintf(".prog%zu.data", c->number);
	if (in_family(name, ".bss") || in_family(name, ".dynbss"))
		return xasprintf(".prog%zu.bss", c->number);
	if (c->number == 0)
		return NULL;
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		if (in_family(name, arrays[i]))
			return xasprintf(".prog%zu%s", c->number, name);
	return is_identifier(name) ? xasprintf("%s_prog%zu", name, c->number) : NULL;
}

/* The linker knows this one by its name; all programs' definitions are alike and hold no state. */
static bool is_shared(const char *name)
{
	return strcmp(name, "__tls_get_addr") == 0;
}

/* Defined by the linker or the kernel, for all programs alike. */
static bool is_common(const char *name)
{
	static const char *const known[] = {"_GLOBAL_OFFSET_TABLE_", "_DYNAMIC", "__ehdr_start",
	    "__executable_start", "__bss_start", "_edata", "_end", "end", "edata", "etext",
	    "_etext", "_TLS_MODULE_BASE_"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return starts(name, "sys_") || starts(name, "__kiln_");
}

static char *symbol_name(const struct copy *c, const Elf64_Sym *s, const char *name)
{
	if (ELF64_ST_BIND(s->st_info) == STB_LOCAL || c->number == 0 || is_shared(name) ||
	    *name == '\0')
		return NULL;
	if (s->st_shndx == SHN_UNDEF) {
		if (is_common(name))
			return NULL;
		if (starts(name, "__start_") || starts(name, "__stop_"))
			return xasprintf("%s_prog%zu", name, c->number);
	}
	return xasprintf("%s:%s", c->name, name);
}

static const char *string(const struct copy *c, const Elf64_Shdr *strtab, size_t at)
{
	if (at >= strtab->sh_size)
		errx(1, "%s: damaged object: a name outside its table", c->name);
	return c->data + strtab->sh_offset + at;
}

/* The table, with `more` behind it, moves to the end of the file. */
static void append_strings(struct copy *c, size_t table, const struct sbuf *more)
{
	Elf64_Shdr *sh = &c->sh[table];
	size_t at = c->len, old = sh->sh_size, shoff = (size_t)((char *)c->sh - c->data);

	if (more->len == 0)
		return;
	c->data = xreallocarray(c->data, at + old + more->len, 1);
	c->sh = (Elf64_Shdr *)(c->data + shoff);
	sh = &c->sh[table];
	memcpy(c->data + at, c->data + sh->sh_offset, old);
	memcpy(c->data + at + old, more->s, more->len);
	sh->sh_offset = at;
	sh->sh_size = old + more->len;
	c->len += old + more->len;
}

static void rename_sections(struct copy *c)
{
	const Elf64_Ehdr *eh = (const void *)c->data;
	size_t table = eh->e_shstrndx == SHN_XINDEX ? c->sh[0].sh_link : eh->e_shstrndx;
	struct sbuf more = {0};

	if (table >= c->nsec)
		errx(1, "%s: damaged object: no section names", c->name);
	for (size_t i = 1; i < c->nsec; i++) {
		char *to;

		if ((c->sh[i].sh_flags & SHF_ALLOC) == 0)
			continue;
		to = section_name(c, string(c, &c->sh[table], c->sh[i].sh_name));
		if (to == NULL)
			continue;
		c->sh[i].sh_name = (Elf64_Word)(c->sh[table].sh_size + more.len);
		sbuf_add(&more, to, strlen(to) + 1);
		free(to);
	}
	append_strings(c, table, &more);
	sbuf_free(&more);
}

static void rename_symbols(struct copy *c)
{
	struct sbuf more = {0};
	Elf64_Sym *sym;
	size_t table, n, i;

	for (i = 1; i < c->nsec && c->sh[i].sh_type != SHT_SYMTAB; i++)
		continue;
	if (i == c->nsec)
		return;
	table = c->sh[i].sh_link;
	sym = (Elf64_Sym *)(c->data + c->sh[i].sh_offset);
	n = c->sh[i].sh_size / sizeof(*sym);
	if (table >= c->nsec)
		errx(1, "%s: damaged object: no symbol names", c->name);
	for (i = 1; i < n; i++) {
		const char *name = string(c, &c->sh[table], sym[i].st_name);
		char *to = symbol_name(c, &sym[i], name);

		if (is_shared(name) && sym[i].st_shndx != SHN_UNDEF)
			sym[i].st_info = ELF64_ST_INFO(STB_WEAK, ELF64_ST_TYPE(sym[i].st_info));
		if (to == NULL)
			continue;
		sym[i].st_name = (Elf64_Word)(c->sh[table].sh_size + more.len);
		sbuf_add(&more, to, strlen(to) + 1);
		free(to);
	}
	append_strings(c, table, &more);
	sbuf_free(&more);
}

static void make_copy(const struct program *p, size_t number, const char *to)
{
	struct copy c = {.number = number, .name = p->name};
	const Elf64_Ehdr *eh;
	const char *from = map_file(p->file, &c.len);

	if (from == NULL)
		err(1, "%s", p->file);
	c.data = xcalloc(c.len, 1);
	memcpy(c.data, from, c.len);
	eh = (const void *)c.data;
	if (eh->e_shoff > c.len || c.len - eh->e_shoff < sizeof(Elf64_Shdr))
		errx(1, "%s: damaged object", p->file);
	c.sh = (Elf64_Shdr *)(c.data + eh->e_shoff);
	c.nsec = eh->e_shnum ? eh->e_shnum : c.sh[0].sh_size;
	if (c.nsec > (c.len - eh->e_shoff) / sizeof(Elf64_Shdr))
		errx(1, "%s: damaged object", p->file);
	for (size_t i = 1; i < c.nsec; i++)
		if (c.sh[i].sh_type != SHT_NOBITS &&
		    (c.sh[i].sh_offset > c.len || c.sh[i].sh_size > c.len - c.sh[i].sh_offset))
			errx(1, "%s: damaged object", p->file);
	rename_sections(&c);
	rename_symbols(&c);
	write_file(to, c.data, c.len);
	free(c.data);
}

void bake_name_program(struct program *p)
{
	const char *base = base_name(p->file);
	size_t len = strlen(base);
	static const char suffix[] = ".unbaked";

	if (len > strlen(suffix) && strcmp(base + len - strlen(suffix), suffix) == 0)
		len -= strlen(suffix);
	p->name = xasprintf("%.*s", (int)len, base);
	if (len > NAME_MAX_LEN || strpbrk(p->name, "\":\\ ") != NULL)
		errx(1,
		    "%s: the name of a program among several has at most %d characters, "
		    "and no quotes, colons, backslashes or blanks",
		    base, NAME_MAX_LEN);
}

void bake_split_programs(struct bake *b)
{
	struct strlist names = {0};

	for (size_t i = 0; i < b->nprogram; i++) {
		struct program *p = &b->program[i];
		char *to = xasprintf("program%zu", i);

		bake_name_program(p);
		if (strlist_has(&names, p->name))
			errx(1, "two programs are called %s", p->name);
		strlist_add(&names, p->name);
		p->linked = xstrdup(scratch_path(to));
		make_copy(p, i, p->linked);
		free(to);
	}
}

/* ----------------------------------------------------------- for the linker */

static const char *prefix(const struct program *p, size_t number)
{
	return number == 0 ? "" : xasprintf("%s:", p->name);
}

static void arrays(struct sbuf *s, const struct program *p, size_t number)
{
	static const char *const kinds[] = {"preinit", "init", "fini"};
	const char *pre = prefix(p, number);

	for (size_t i = 0; i < 3; i++) {
		const char *k = kinds[i], *old = i == 1 ? "ctors" : "dtors";

		sbuf_printf(s, "\t.prog%zu.%s_array : {\n\t\t\"%s__%s_array_start\" = .;\n", number,
		    k, pre, k);
		sbuf_printf(s, "\t\tKEEP(*(SORT_BY_INIT_PRIORITY(.prog%zu.%s_array.*)", number, k);
		if (i > 0)
			sbuf_printf(s, " SORT_BY_INIT_PRIORITY(.prog%zu.%s.*)", number, old);
		sbuf_printf(s, "))\n\t\tKEEP(*(.prog%zu.%s_array", number, k);
		if (i > 0)
			sbuf_printf(s, " .prog%zu.%s", number, old);
		sbuf_printf(s, "))\n\t\t\"%s__%s_array_end\" = .;\n\t}\n", pre, k);
	}
}

static void bounded(struct sbuf *s, size_t number, const char *kind)
{
	sbuf_printf(s,
	    "\t.prog%zu.%s : {\n\t\t. = ALIGN(16);\n\t\t__kiln_prog%zu_%s = .;\n"
	    "\t\t*(.prog%zu.%s)\n\t\t. = ALIGN(16);\n\t\t__kiln_prog%zu_%s_end = .;\n\t}\n",
	    number, kind, number, kind, number, kind, number, kind);
}

static void table_entry(struct sbuf *s, const struct program *p, size_t number)
{
	sbuf_printf(s, "\t\tLONG(\"%s_start\" - __kiln_programs_start)\n", prefix(p, number));
	for (size_t i = 0; i < 2; i++) {
		const char *kind = i ? "bss" : "data";

		sbuf_printf(s,
		    "\t\tLONG(__kiln_prog%zu_%s - __kiln_programs_start)\n"
		    "\t\tLONG(__kiln_prog%zu_%s_end - __kiln_prog%zu_%s)\n",
		    number, kind, number, kind, number, kind);
	}
	sbuf_puts(s, "\t\t");
	for (size_t i = 0; i < NAME_MAX_LEN + 1; i++)
		sbuf_printf(s, "BYTE(%d)%s", i < strlen(p->name) ? p->name[i] : 0,
		    i % 8 == 7 ? "\n\t\t" : " ");
	sbuf_puts(s, "\n");
}

const char *bake_programs_script(const struct bake *b)
{
	const char *path = scratch_path("programs.ld");
	struct sbuf s = {0};

	sbuf_puts(&s, "SECTIONS {\n\t.kiln.programs (READONLY) : {\n\t\t. = ALIGN(4);\n"
		      "\t\t__kiln_programs_start = .;\n");
	for (size_t i = 0; i < b->nprogram; i++)
		table_entry(&s, &b->program[i], i);
	sbuf_puts(
	    &s, "\t\t__kiln_programs_end = .;\n\t}\n} INSERT AFTER .kiln.sysent;\nSECTIONS {\n");
	for (size_t i = 1; i < b->nprogram; i++)
		arrays(&s, &b->program[i], i);
	sbuf_puts(&s, "} INSERT AFTER .fini_array;\nSECTIONS {\n");
	for (size_t i = 0; i < b->nprogram; i++)
		bounded(&s, i, "data");
	sbuf_puts(&s, "} INSERT AFTER .data;\nSECTIONS {\n");
	for (size_t i = 0; i < b->nprogram; i++)
		bounded(&s, i, "bss");
	sbuf_puts(&s, "} INSERT AFTER .bss;\n");
	write_file(path, s.s, s.len);
	sbuf_free(&s);
	return path;
}

/* What the script defines, for the walk. */
void bake_programs_words(struct bake *b)
{
	struct strlist *words = &b->reach.linker_words;

	strlist_add(words, "__kiln_programs_start");
	strlist_add(words, "__kiln_programs_end");
	for (size_t i = 1; i < b->nprogram; i++) {
		static const char *const kinds[] = {"preinit", "init", "fini"};

		for (size_t k = 0; k < 3; k++) {
			strlist_printf(words, "%s:__%s_array_start", b->program[i].name, kinds[k]);
			strlist_printf(words, "%s:__%s_array_end", b->program[i].name, kinds[k]);
		}
	}
}
