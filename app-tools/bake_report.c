/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report beside an image: docs/kiln.md ("The report") describes it.  `kiln
 * inspect` reads it.
 */
#include "bake.h"
#include "kiln.h"

#include <elf.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- sizes */

/* Which kind of memory an output section is, by its flags in the linked file. */
static uint64_t *kind_of(struct sizes *s, const Elf64_Shdr *sh)
{
	if ((sh->sh_flags & SHF_ALLOC) == 0)
		return NULL;
	if (sh->sh_flags & SHF_EXECINSTR)
		return &s->text;
	if (sh->sh_type == SHT_NOBITS)
		return &s->bss;
	return sh->sh_flags & SHF_WRITE ? &s->data : &s->rodata;
}

static const Elf64_Shdr *output_section(const char *elf, const char *name)
{
	const Elf64_Ehdr *eh = (const void *)elf;
	const Elf64_Shdr *sh = (const void *)(elf + eh->e_shoff);
	const char *str = elf + sh[eh->e_shstrndx].sh_offset;

	for (size_t i = 1; i < eh->e_shnum; i++)
		if (strcmp(str + sh[i].sh_name, name) == 0)
			return &sh[i];
	return NULL;
}

static size_t object_by_path(const struct reach *r, const char *path)
{
	for (size_t i = 0; i < r->nobject; i++)
		if (r->object[i].taken && strcmp(r->object[i].linked, path) == 0)
			return i;
	return r->nobject;
}

/*
 * The linker's map lists, below each output section (at the start of a line),
 * its input sections (one blank before) with address, size and file; the name is
 * on a line of its own if it is long.  Size 0 and lines of other shapes don't count.
 */
struct sizes *bake_sizes(const struct bake *b)
{
	const struct reach *r = &b->reach;
	struct sizes *sizes = xcalloc(r->nobject + 1, sizeof(*sizes));
	const Elf64_Shdr *out = NULL;
	struct sbuf map = {0};
	char *rest, *line, name[256], file[2048];
	unsigned long addr, size;
	const char *elf;
	uint64_t *kind;
	size_t len;

	elf = map_file(b->elf, &len);
	if (elf == NULL || !read_file(b->map, &map))
		err(1, "%s", b->map);
	rest = strstr(map.s, "\nLinker script and memory map");
	while (rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
		if (line[0] != ' ' && line[0] != '\0') {
			if (sscanf(line, "%255s", name) == 1)
				out = output_section(elf, name);
			continue;
		}
		if (out == NULL || line[0] != ' ' || line[1] == '*')
			continue;
		if (sscanf(line, " 0x%lx 0x%lx %2047[^\n]", &addr, &size, file) != 3 &&
		    sscanf(line, " %*s 0x%lx 0x%lx %2047[^\n]", &addr, &size, file) != 3)
			continue;
		kind = kind_of(&sizes[object_by_path(r, file)], out);
		if (kind != NULL)
			*kind += size;
	}
	sbuf_free(&map);
	return sizes;
}

/* ----------------------------------------------------------------- report */

static void key(struct sbuf *j, const char *name)
{
	sbuf_printf(j, ",\n\"%s\": ", name);
}

static void add_sizes(struct sbuf *j, const struct sizes *s)
{
	sbuf_printf(j, "\"text\": %lu, \"rodata\": %lu, \"data\": %lu, \"bss\": %lu", s->text,
	    s->rodata, s->data, s->bss);
}

static void add_objects(struct sbuf *j, const struct reach *r, const struct sizes *sizes)
{
	struct sbuf chain = {0};
	const char *sep = "";

	for (size_t i = 0; i < r->nobject; i++) {
		const struct object *o = &r->object[i];
		static const char *const kinds[] = {"program", "platform", "component"};

		if (!o->taken)
			continue;
		sbuf_printf(j, "%s\n {\"name\": ", sep);
		sbuf_json(j, o->name);
		sbuf_printf(j, ", \"kind\": \"%s\", ", kinds[o->kind]);
		if (o->summary != NULL) {
			sbuf_puts(j, "\"description\": ");
			sbuf_json(j, o->summary);
			sbuf_puts(j, ", ");
		}
		add_sizes(j, &sizes[i]);
		sbuf_free(&chain);
		if (o->why_text != NULL)
			sbuf_printf(&chain, "%s%s", o->why_text, o->why != NO_NODE ? " <- " : "");
		reach_chain(r, o->why, &chain);
		if (chain.len > 0) {
			sbuf_puts(j, ", \"why\": ");
			sbuf_json(j, chain.s);
		}
		sbuf_puts(j, "}");
		sep = ",";
	}
	sbuf_free(&chain);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Entry stubs sys_x that were reached; implemented is one whose do_sys_x exists. */
static void list_syscalls(const struct reach *r, struct strlist *yes, struct strlist *no)
{
	for (size_t i = 0; i < r->nnode; i++) {
		const struct node *n = &r->node[i];
		const char *name = node_name(r, i);
		char *impl, *impl_ns;

		if (n->object->kind != OBJECT_COMPONENT || strncmp(name, "sys_", 4) != 0)
			continue;
		impl = xasprintf("do_%s", name);
		impl_ns = xasprintf("rumpns_do_%s", name);
		strlist_add(
		    reach_defines(r, impl_ns) || reach_defines(r, impl) ? yes : no, name + 4);
		free(impl);
		free(impl_ns);
	}
	if (yes->n > 0)
		qsort(yes->v, yes->n, sizeof(*yes->v), by_name);
	if (no->n > 0)
		qsort(no->v, no->n, sizeof(*no->v), by_name);
}

/* [name, object, parent] per section in the order of the walk; see `--why`. */
static void add_nodes(struct sbuf *j, const struct reach *r)
{
	for (size_t i = 0; i < r->nnode; i++) {
		sbuf_puts(j, i ? ",\n [" : "\n [");
		sbuf_json(j, node_name(r, i));
		sbuf_puts(j, ", ");
		sbuf_json(j, r->node[i].object->name);
		sbuf_printf(
		    j, ", %zd]", r->node[i].parent == NO_NODE ? -1 : (ssize_t)r->node[i].parent);
	}
}

static struct sizes total(const struct bake *b, const struct sizes *sizes)
{
	struct sizes t = {0};

	for (size_t i = 0; i <= b->reach.nobject; i++) {
		t.text += sizes[i].text;
		t.rodata += sizes[i].rodata;
		t.data += sizes[i].data;
		t.bss += sizes[i].bss;
	}
	return t;
}

void bake_report(const struct bake *b, const char *to)
{
	const struct reach *r = &b->reach;
	struct sizes *sizes = bake_sizes(b), all = total(b, sizes);
	struct strlist yes = {0}, no = {0};
	struct sbuf j = {0};

	sbuf_printf(&j, "{\"kiln\": \"%s\"", KILN_VERSION);
	key(&j, "platform");
	sbuf_json(&j, b->platform);
	key(&j, "program");
	sbuf_json(&j, r->object[0].name);
	key(&j, "id");
	sbuf_json(&j, b->image_id);
	key(&j, "build_id");
	sbuf_json(&j, b->build_id);
	key(&j, "bytes");
	sbuf_printf(&j, "{\"image\": %zu, \"root\": %zu, \"without_root\": %zu, ", b->image_len,
	    b->rootfs_len, b->image_len - b->rootfs_len);
	add_sizes(&j, &all);
	sbuf_puts(&j, "}");
	key(&j, "objects");
	sbuf_puts(&j, "[");
	add_objects(&j, r, sizes);
	sbuf_puts(&j, "]");
	list_syscalls(r, &yes, &no);
	key(&j, "syscalls");
	sbuf_puts(&j, "{\"implemented\": ");
	strlist_json(&yes, ", ", &j);
	sbuf_puts(&j, ",\n \"unimplemented\": ");
	strlist_json(&no, ", ", &j);
	sbuf_puts(&j, "}");
	key(&j, "tools");
	sbuf_puts(&j, "{\"ld\": ");
	sbuf_json(&j, tool_version("ld", "--version"));
	if (b->rootfs != NULL) {
		sbuf_puts(&j, ", \"mkfs.erofs\": ");
		sbuf_json(&j, tool_version("mkfs.erofs", "-V"));
	}
	sbuf_puts(&j, "}");
	key(&j, "reached");
	sbuf_puts(&j, "[");
	add_nodes(&j, r);
	sbuf_puts(&j, "]}\n");
	write_file(to, j.s, j.len);
	sbuf_free(&j);
	free(sizes);
}

void bake_summary(const struct bake *b)
{
	struct strlist yes = {0}, no = {0};
	size_t n = b->reach.ntaken - 1 - b->nprogram;

	list_syscalls(&b->reach, &yes, &no);
	printf("%s: %s, %zu bytes", b->output, b->platform, b->image_len - b->rootfs_len);
	if (b->rootfs != NULL)
		printf(" and a root of %zu", b->rootfs_len);
	if (b->nprogram > 1)
		printf(", %zu programs", b->nprogram);
	printf(", %zu component%s, %zu system calls", n, n == 1 ? "" : "s", yes.n + no.n);
	if (no.n > 0)
		printf(" (%zu not implemented)", no.n);
	printf("\n");
}
