/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Function names come from the symbol table; file and line from addr2line, if
 * it is installed, one call for a whole backtrace.
 *
 * A line to look at starts with "kiln:" and contains "image+0xHEX".  In a
 * backtrace ("#N image+0x...") all frames but the first hold return addresses,
 * which may lie behind the end of the calling function: the byte before is meant.
 */
#include "symbols.h"
#include "image.h"
#include "reach.h"

#include <elf.h>
#include <err.h>
#include <errno.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#define LINE_MAX_LEN 4096
#define LABELS	     16 /* that may stand in a function, and more */

struct function {
	uint64_t start, size;
	const char *name;
};

struct symbols {
	char *path;
	const char *elf;
	size_t len;
	Elf *handle;
	uint64_t base; /* link address of the image's start */
	struct function *function;
	size_t nfunction;
};

static int by_start(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->size < y->size) - (x->size > y->size);
}

static bool usable(const Elf64_Sym *sym)
{
	return ELF64_ST_TYPE(sym->st_info) == STT_FUNC ||
	       (ELF64_ST_TYPE(sym->st_info) == STT_NOTYPE && sym->st_shndx != SHN_UNDEF &&
		   sym->st_shndx < SHN_LORESERVE && sym->st_name != 0);
}

static void read_functions(struct symbols *s, Elf *elf)
{
	Elf_Scn *scn = NULL;
	Elf64_Shdr *sh;

	while ((scn = elf_nextscn(elf, scn)) != NULL) {
		Elf_Data *d;

		sh = elf64_getshdr(scn);
		if (sh == NULL || sh->sh_type != SHT_SYMTAB || (d = elf_getdata(scn, NULL)) == NULL)
			continue;
		s->function = xcalloc(d->d_size / sizeof(Elf64_Sym), sizeof(*s->function));
		for (size_t i = 1; i < d->d_size / sizeof(Elf64_Sym); i++) {
			const Elf64_Sym *sym = (const Elf64_Sym *)d->d_buf + i;
			const char *name = elf_strptr(elf, sh->sh_link, sym->st_name);

			if (usable(sym) && name != NULL && *name != '\0')
				s->function[s->nfunction++] =
				    (struct function){sym->st_value, sym->st_size, name};
		}
		qsort(s->function, s->nfunction, sizeof(*s->function), by_start);
		return;
	}
}

static void find_base(struct symbols *s, Elf *elf)
{
	const Elf64_Phdr *ph = elf64_getphdr(elf);
	size_t n;

	s->base = UINT64_MAX;
	if (ph == NULL || elf_getphdrnum(elf, &n) != 0)
		n = 0;
	for (size_t i = 0; i < n; i++)
		if (ph[i].p_type == PT_LOAD)
			s->base = MIN(s->base, ph[i].p_vaddr & ~UINT64_C(4095));
	if (s->base == UINT64_MAX)
		s->base = 0;
}

/* The image's build-id must be the debug file's. */
static bool same_build(const char *image, const struct symbols *s)
{
	char a[65], b[65];
	const void *data;
	size_t len;

	data = map_file(image, &len);
	if (data == NULL)
		return true; /* only the debug file is left: fine */
	image_build_id(data, len, a);
	image_build_id(s->elf, s->len, b);
	return strcmp(a, b) == 0;
}

struct symbols *symbols_open(const char *image, const char **why)
{
	struct symbols *s = xcalloc(1, sizeof(*s));
	size_t n = strlen(image);
	Elf *elf;

	s->path = n > 6 && strcmp(image + n - 6, ".debug") == 0 ? xstrdup(image)
								: xasprintf("%s.debug", image);
	s->elf = map_file(s->path, &s->len);
	if (s->elf == NULL) {
		*why = strerror(errno);
		return NULL;
	}
	elf_version(EV_CURRENT);
	elf = elf_memory((char *)(uintptr_t)s->elf, s->len);
	if (elf == NULL || elf_kind(elf) != ELF_K_ELF || elf64_getehdr(elf) == NULL) {
		*why = "not an ELF file";
		return NULL;
	}
	if (!same_build(image, s)) {
		*why = "it belongs to another build of the image";
		return NULL;
	}
	s->handle = elf;
	find_base(s, elf);
	read_functions(s, elf);
	return s;
}

const char *symbols_path(const struct symbols *s)
{
	return s->path;
}

bool symbols_value(const struct symbols *s, const char *name, uint64_t *value)
{
	for (size_t i = 0; i < s->nfunction; i++)
		if (strcmp(s->function[i].name, name) == 0) {
			*value = s->function[i].start;
			return true;
		}
	return false;
}

/* The section with this name, or with this type if name is NULL. */
static Elf_Scn *find_section(const struct symbols *s, const char *name, Elf64_Word type)
{
	Elf_Scn *scn = NULL;
	const Elf64_Shdr *sh;
	const char *its;
	size_t names;

	if (elf_getshdrstrndx(s->handle, &names) != 0)
		return NULL;
	while ((scn = elf_nextscn(s->handle, scn)) != NULL) {
		if ((sh = elf64_getshdr(scn)) == NULL)
			continue;
		its = elf_strptr(s->handle, names, sh->sh_name);
		if (name != NULL ? its != NULL && strcmp(its, name) == 0 : sh->sh_type == type)
			return scn;
	}
	return NULL;
}

bool symbols_any(const struct symbols *s, const char *name, uint64_t *value)
{
	Elf_Scn *scn = find_section(s, NULL, SHT_SYMTAB);
	Elf_Data *d = scn != NULL ? elf_getdata(scn, NULL) : NULL;

	for (size_t i = 1; d != NULL && i < d->d_size / sizeof(Elf64_Sym); i++) {
		const Elf64_Sym *sym = (const Elf64_Sym *)d->d_buf + i;
		const char *its = elf_strptr(s->handle, elf64_getshdr(scn)->sh_link, sym->st_name);

		if (sym->st_shndx == SHN_UNDEF || its == NULL || strcmp(its, name) != 0)
			continue;
		*value = sym->st_value;
		return true;
	}
	return false;
}

const void *symbols_section(const struct symbols *s, const char *name, size_t *len)
{
	Elf_Scn *scn = find_section(s, name, SHT_NULL);
	const Elf_Data *d = scn != NULL ? elf_rawdata(scn, NULL) : NULL;

	if (d == NULL)
		return NULL;
	*len = d->d_size;
	return d->d_buf;
}

const void *symbols_elf(const struct symbols *s, size_t *len)
{
	*len = s->len;
	return s->elf;
}

static const struct function *function_at(const struct symbols *s, uint64_t addr)
{
	size_t lo = 0, hi = s->nfunction, mid;
	const struct function *f;

	while (lo < hi) { /* lo: number of functions that start at or before addr */
		mid = lo + (hi - lo) / 2;
		if (s->function[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return NULL;
	/* Of those that start together the first is the longest. */
	for (f = &s->function[lo - 1]; f > s->function && f[-1].start == f->start; f--)
		continue;
	if (f->size != 0)
		return addr - f->start < f->size ? f : NULL;
	/* A label: perhaps within a function. */
	for (size_t i = 1; i < LABELS && f - s->function >= (ptrdiff_t)i; i++)
		if (f[-i].size != 0)
			return addr - f[-i].start < f[-i].size ? &f[-i] : f;
	return f;
}

void symbols_name(const struct symbols *s, uint64_t offset, struct sbuf *out)
{
	const struct function *f = function_at(s, s->base + offset);

	sbuf_puts(out, "");
	if (f != NULL)
		sbuf_printf(out, "%s+0x%lx", plain_name(f->name), s->base + offset - f->start);
}

const char *symbols_function(const struct symbols *s, uint64_t offset)
{
	const struct function *f = function_at(s, s->base + offset);

	return f != NULL ? f->name : NULL;
}

bool symbols_start(const struct symbols *s, uint64_t offset, uint64_t *start)
{
	const struct function *f = function_at(s, s->base + offset);

	if (f != NULL)
		*start = f->start - s->base;
	return f != NULL;
}

/* ------------------------------------------------------------- symbolizing */

/* Offset in a line of ours; *back is set if it is a return address. */
static bool parse_line(const char *line, uint64_t *offset, bool *back)
{
	const char *p, *hash;
	char *end;

	if (strncmp(line, "kiln:", 5) != 0 || (p = strstr(line, "image+0x")) == NULL)
		return false;
	*offset = strtoull(p + 6, &end, 16);
	hash = strchr(line, '#');
	*back = (hash != NULL && hash < p && strtoul(hash + 1, NULL, 10) > 0) ||
		strstr(line, " more of ") != NULL;
	return end != p + 8;
}

/*
 * addr2line -a -f -i prints for each address the address, then two lines,
 * function and file:line, per frame: the inlined functions first.  Fills
 * where[] with "file:line", or "inlined a at file:line in file:line".
 */
static void find_lines(const struct symbols *s, const uint64_t *addr, size_t n, struct sbuf *where)
{
	struct strlist cmd = {0};
	struct sbuf out = {0};
	char *rest, *line, *function = NULL;
	size_t i = SIZE_MAX;

	strlist_split(&cmd, "addr2line -a -f -i -C -e", " ");
	strlist_add(&cmd, s->path);
	for (size_t k = 0; k < n; k++)
		strlist_printf(&cmd, "0x%lx", addr[k]);
	if (run_tool(cmd.v, &out) != 0 || out.s == NULL)
		return;
	for (rest = out.s; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
		if (strncmp(line, "0x", 2) == 0) {
			i++;
			function = NULL;
		} else if (function == NULL) {
			function = line;
		} else {
			line[strcspn(line, " ")] = '\0'; /* " (discriminator 2)" */
			if (i < n && strncmp(line, "??", 2) != 0) {
				if (where[i].len > 0)
					sbuf_puts(&where[i], ", inlined at ");
				sbuf_puts(&where[i], line);
			}
			function = NULL;
		}
	}
	sbuf_free(&out);
}

static void emit_one(struct symbolizer *z, const char *line, uint64_t offset, const char *where)
{
	struct sbuf out = {0};

	sbuf_puts(&out, line);
	sbuf_puts(&out, " ");
	symbols_name(z->symbols, offset, &out);
	if (where != NULL)
		sbuf_printf(&out, " (%s)", where);
	sbuf_puts(&out, "\n");
	z->emit(z->arg, out.s, out.len);
	sbuf_free(&out);
}

/*
 * "kiln: lwp 1 (name) on CPU 0, image at ADDRESS, build HEX": so begins each crash, and
 * HEX are the first 16 digits of the build-id of what has crashed.
 */
static void crash_begins(struct symbolizer *z, const char *line)
{
	const char *build = strstr(line, ", build ");

	if (strncmp(line, "kiln: lwp ", 10) != 0)
		return;
	z->complained = false;
	z->build[0] = '\0';
	if (build != NULL && strspn(build + 8, "0123456789abcdef") == 16)
		snprintf(z->build, sizeof(z->build), "%.16s", build + 8);
}

/* Why these addresses cannot be given names, NULL if they can; the caller frees it. */
static char *unknown(const struct symbolizer *z)
{
	char id[65];

	if (z->symbols == NULL)
		return xstrdup(z->why_none ? z->why_none : "no symbols");
	image_build_id(z->symbols->elf, z->symbols->len, id);
	if (z->build[0] == '\0' || strncmp(z->build, id, 16) == 0)
		return NULL;
	return xasprintf(
	    "%s is of build %.16s, but build %s crashed", z->symbols->path, id, z->build);
}

/* Give up the pending lines. */
static void without_names(struct symbolizer *z, const char *why)
{
	for (size_t i = 0; i < z->pending.n; i++) {
		if (z->pass != NULL) {
			z->pass(z->arg, z->pending.v[i], strlen(z->pending.v[i]));
			z->pass(z->arg, "\n", 1);
		}
		free(z->pending.v[i]);
	}
	z->pending.n = 0;
	if (!z->complained)
		warnx("no names for these addresses: %s", why);
	z->complained = true;
}

/* A canary's death is a jump to an instruction that kills. */
static void say_smashed(struct symbolizer *z, const uint64_t *addr, size_t n)
{
	struct sbuf name = {0}, out = {0};

	symbols_name(z->symbols, addr[0] - z->symbols->base, &name);
	if (strncmp(name.s, "__stack_chk_fail", 16) == 0) {
		name.len = 0;
		if (n > 1)
			symbols_name(z->symbols, addr[1] - z->symbols->base, &name);
		else
			sbuf_puts(&name, "");
		name.s[strcspn(name.s, "+")] = '\0';
		sbuf_printf(&out,
		    "kiln: stack smashing detected%s%s: it wrote past the end of an "
		    "array of its own\n",
		    *name.s ? " in " : "", name.s);
		z->emit(z->arg, out.s, out.len);
	}
	sbuf_free(&name);
	sbuf_free(&out);
}

void symbolizer_flush(struct symbolizer *z)
{
	char *why;
	size_t n = z->pending.n;
	struct sbuf *where;
	uint64_t *addr, offset = 0;
	bool back = false;

	if (z->line.len > 0) { /* the last line has no newline */
		if (z->pass != NULL)
			z->pass(z->arg, z->line.s, z->line.len);
		z->line.len = 0;
	}
	if (n == 0)
		return;
	why = unknown(z);
	if (why != NULL) {
		without_names(z, why);
		free(why);
		return;
	}
	where = xcalloc(n, sizeof(*where));
	addr = xcalloc(n, sizeof(*addr));
	for (size_t i = 0; i < n; i++) {
		parse_line(z->pending.v[i], &offset, &back);
		addr[i] = z->symbols->base + offset - (back ? 1 : 0);
	}
	find_lines(z->symbols, addr, n, where);
	say_smashed(z, addr, n);
	for (size_t i = 0; i < n; i++) {
		emit_one(z, z->pending.v[i], addr[i] - z->symbols->base, where[i].s);
		sbuf_free(&where[i]);
		free(z->pending.v[i]);
	}
	z->pending.n = 0;
	free(where);
	free(addr);
}

static void whole_line(struct symbolizer *z)
{
	uint64_t offset;
	size_t len;
	bool back = false;

	len = z->line.len; /* with the newline */
	z->line.s[len - 1] = '\0';
	if (parse_line(z->line.s, &offset, &back)) {
		z->line.s[strcspn(z->line.s, "\r")] = '\0';
		strlist_add(&z->pending, z->line.s);
		z->line.len = 0;
		return;
	}
	z->line.len = 0;
	symbolizer_flush(z);
	crash_begins(z, z->line.s);
	z->line.s[len - 1] = '\n';
	if (z->pass != NULL)
		z->pass(z->arg, z->line.s, len);
}

void symbolizer_feed(struct symbolizer *z, const char *data, size_t len)
{
	const char *newline;
	size_t n;

	while (len > 0) {
		newline = memchr(data, '\n', len);
		n = newline ? (size_t)(newline - data) + 1 : len;
		/* Of an overlong line only the start matters, unless it is passed on. */
		if (z->pass != NULL || z->line.len + n < LINE_MAX_LEN)
			sbuf_add(&z->line, data, n);
		else if (newline != NULL)
			sbuf_add(&z->line, "\n", 1);
		if (newline != NULL)
			whole_line(z);
		data += n;
		len -= n;
	}
}
