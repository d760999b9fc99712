/* SPDX-License-Identifier: BSD-2-Clause */
#include "bake.h"
#include "image.h"
#include "start.h"
#include "kiln.h"

#include <ctype.h>
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ------------------------------------------------------- platform directory */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

/*
 * The linker script is not interpreted, only read for its words: a symbol that
 * nothing else defines but that the script names is the script's to define, and
 * ENTRY(x) is where the walk begins.
 */
static void read_script(struct bake *b, const char *path)
{
	struct sbuf text = {0};
	struct strlist *words = &b->reach.linker_words;
	char *s, *e, c;

	if (!read_file(path, &text))
		err(1, "%s", path);
	for (s = text.s; *s != '\0'; s = e) {
		if (strncmp(s, "/*", 2) == 0 && (e = strstr(s, "*/")) != NULL) {
			e += 2;
			continue;
		}
		for (e = s; is_word(*e); e++)
			continue;
		if (e == s) {
			e++;
			continue;
		}
		c = *e;
		*e = '\0';
		if (words->n > 0 && strcmp(words->v[words->n - 1], "ENTRY") == 0)
			b->entry = xstrdup(s);
		if (!strlist_has(words, s) || strcmp(s, "ENTRY") == 0)
			strlist_add(words, s);
		*e = c;
	}
	sbuf_free(&text);
}

void bake_read_platform(struct bake *b)
{
	char *flags = xasprintf("%s/link.flags", b->platform_dir);
	char *script = xasprintf("%s/link.ld", b->platform_dir);
	struct sbuf text = {0};

	if (!read_file(flags, &text))
		err(1, "%s", flags);
	strlist_split(&b->link_flags, text.s, " \t\n");
	read_script(b, script);
	for (size_t i = 0; i + 1 < b->link_flags.n; i++)
		if (strcmp(b->link_flags.v[i], "-e") == 0)
			b->entry = xstrdup(b->link_flags.v[i + 1]);
	if (b->entry == NULL)
		errx(1, "%s: names no ENTRY()", script);
	sbuf_free(&text);
	free(flags);
	free(script);
}

/* ------------------------------------------------------------ what is added */

void bake_root(struct bake *b)
{
	char *file = xstrdup(scratch_path("rootfs"));
	/* A fixed time and UUID and root as owner: the same tree gives the same bytes. */
	char *argv[] = {"mkfs.erofs", "--quiet", "-T0", "-U",
	    "00000000-0000-0000-0000-000000000000", "--all-root", "-x-1", file, (char *)b->root,
	    NULL};
	struct sbuf out = {0};
	int status;

	status = run_tool(argv, &out);
	if (status == -1 && errno != ENOENT)
		err(1, "mkfs.erofs");
	if (status == -1)
		errx(1,
		    "--root needs mkfs.erofs, which is not installed: apt-get install erofs-utils");
	if (status != 0)
		errx(1, "mkfs.erofs failed for %s:\n%s", b->root, out.s ? out.s : "");
	b->rootfs = map_file(file, &b->rootfs_len);
	if (b->rootfs == NULL)
		err(1, "%s", file);
	sbuf_free(&out);
}

/* The name of an image's first program. */
static const char *bake_first_name(const struct bake *b)
{
	return b->nprogram > 1 ? b->program[0].name : base_name(b->program[0].file);
}

/* Defaults baked into the image: the same document that a launcher gives. */
static void config_document(const struct bake *b, struct sbuf *doc)
{
	sbuf_puts(doc, "{\"name\":");
	sbuf_json(doc, bake_first_name(b));
	if (b->args.n > 0) {
		sbuf_puts(doc, ",\"args\":");
		strlist_json(&b->args, ",", doc);
	}
	if (b->env.n > 0) {
		sbuf_puts(doc, ",\"env\":");
		strlist_json_env(&b->env, doc);
	}
	if (b->hostname != NULL) {
		sbuf_puts(doc, ",\"hostname\":");
		sbuf_json(doc, b->hostname);
	}
	if (b->start != NULL) {
		struct sbuf programs = {0};

		start_json("--start", b->start, &programs);
		sbuf_printf(doc, ",\"programs\":%s", programs.s);
		sbuf_free(&programs);
	}
	sbuf_puts(doc, "}");
}

/* The image note, the configuration, and the root if there is one, as an object. */
static const char *extra_object(struct bake *b)
{
	const char *path = scratch_path("kiln.o");
	struct strlist components = {0};
	struct sbuf desc = {0}, note = {0}, config = {0};
	struct elf_data data[3];
	Elf64_Nhdr nh;
	size_t n = 0;

	for (size_t i = 2; i < b->reach.nobject; i++)
		if (b->reach.object[i].taken && b->reach.object[i].kind == OBJECT_COMPONENT)
			strlist_add(&components, b->reach.object[i].name);
	image_note(&desc, b->platform, bake_first_name(b), &components);
	nh = (Elf64_Nhdr){sizeof(IMAGE_NOTE_OWNER), (Elf64_Word)desc.len, IMAGE_NOTE_TYPE};
	sbuf_add(&note, &nh, sizeof(nh));
	sbuf_add(&note, IMAGE_NOTE_OWNER "\0\0\0", 8);
	sbuf_add(&note, desc.s, desc.len);
	while (note.len % 4 != 0)
		sbuf_add(&note, "", 1);
	data[n++] = (struct elf_data){".note.kiln", SHT_NOTE, 4, note.s, note.len, NULL, NULL};
	config_document(b, &config);
	data[n++] = (struct elf_data){".kiln.config", SHT_PROGBITS, 1, config.s, config.len,
	    "__kiln_config_start", "__kiln_config_end"};
	if (b->rootfs != NULL)
		data[n++] = (struct elf_data){
		    ".kiln.rootfs", SHT_PROGBITS, 4096, b->rootfs, b->rootfs_len, NULL, NULL};
	elfobj_write(path, data, n);
	sbuf_free(&desc);
	sbuf_free(&note);
	sbuf_free(&config);
	return path;
}

/* ------------------------------------------------------------------ linking */

/*
 * For ld a symbol that is nowhere defined is weak only if all references to it in all
 * objects are, those in sections that it is about to discard included.  So where a
 * weak reference was left open, strong ones, which nothing reaches, are made weak.
 */
static const char *linkable(const struct bake *b, const struct object *o)
{
	const struct strlist *absent = &b->reach.absent;
	const struct elf_object *e = &o->elf;
	bool *weaken = xcalloc(e->nsym, sizeof(*weaken)), any = false;
	const char *path = o->path;

	for (size_t i = 1; i < e->nsym && absent->n > 0; i++) {
		weaken[i] = !elfobj_defined(&e->sym[i]) &&
			    ELF64_ST_BIND(e->sym[i].st_info) == STB_GLOBAL &&
			    strlist_has(absent, elfobj_symname(e, i));
		any |= weaken[i];
	}
	if (any) {
		char *name = xasprintf("%s.%zu", base_name(o->path), (size_t)(o - b->reach.object));

		path = scratch_path(name);
		elfobj_copy_weakened(e, weaken, path);
		free(name);
	}
	free(weaken);
	return path;
}

void bake_link(struct bake *b)
{
	struct strlist cmd = {0};
	struct sbuf out = {0};
	int status;

	b->elf = scratch_path("elf");
	b->map = scratch_path("map");
	strlist_add(&cmd, "ld");
	for (size_t i = 0; i < b->link_flags.n; i++)
		strlist_add(&cmd, b->link_flags.v[i]);
	/* A script that adds to another one wants that to be the default. */
	strlist_add(&cmd, b->nprogram > 1 ? "-dT" : "-T");
	strlist_printf(&cmd, "%s/link.ld", b->platform_dir);
	if (b->nprogram > 1) {
		strlist_add(&cmd, "-T");
		strlist_add(&cmd, bake_programs_script(b));
	}
	for (size_t i = 1; i < b->nprogram; i++)
		strlist_printf(&cmd, "--undefined=%s:_start", b->program[i].name);
	strlist_add(&cmd, "--gc-sections");
	strlist_add(&cmd, "--build-id=sha1");
	strlist_printf(&cmd, "-Map=%s", b->map);
	strlist_add(&cmd, "-o");
	strlist_add(&cmd, b->elf);
	for (size_t i = 0; i < b->syscalls.n; i++)
		strlist_printf(&cmd, "--undefined=sys_%s", b->syscalls.v[i]);
	for (size_t i = 0; i < b->reach.nobject; i++) {
		struct object *o = &b->reach.object[i];

		o->linked = o->taken ? linkable(b, o) : NULL;
		if (o->taken && o->kind != OBJECT_PLATFORM)
			strlist_add(&cmd, o->linked);
	}
	strlist_add(&cmd, b->reach.object[1].linked);
	strlist_add(&cmd, extra_object(b));
	if (b->verbose) {
		strlist_shell(&cmd, &out);
		fprintf(stderr, "%s\n", out.s);
		sbuf_free(&out);
	}
	status = run_tool(cmd.v, &out);
	if (status == -1 && errno != ENOENT)
		err(1, "ld");
	if (status == -1)
		errx(1, "ld is not installed: apt-get install binutils");
	if (out.len > 0)
		fwrite(out.s, 1, out.len, stderr);
	if (status != 0)
		errx(1, "no image: ld failed with status %d", status);
	sbuf_free(&out);
}

/*
 * An image is what the program headers describe; symbols, debugging data and
 * section headers come behind that in the file and are cut off.
 */
void bake_strip(struct bake *b, const char *to)
{
	const Elf64_Phdr *ph;
	const char *elf;
	char *copy;
	Elf64_Ehdr eh;
	size_t len, end;
	struct stat st;

	elf = map_file(b->elf, &len);
	if (elf == NULL)
		err(1, "%s", b->elf);
	memcpy(&eh, elf, sizeof(eh));
	ph = (const void *)(elf + eh.e_phoff);
	end = eh.e_phoff + eh.e_phnum * sizeof(*ph);
	for (size_t i = 0; i < eh.e_phnum; i++)
		if (ph[i].p_filesz > 0 && ph[i].p_offset + ph[i].p_filesz > end)
			end = ph[i].p_offset + ph[i].p_filesz;
	if (end > len)
		errx(1, "ld wrote a damaged file");
	eh.e_shoff = 0;
	eh.e_shnum = eh.e_shstrndx = eh.e_shentsize = 0;
	copy = xcalloc(end, 1);
	memcpy(copy, elf, end);
	memcpy(copy, &eh, sizeof(eh));
	if (file_kind(copy, end) != FILE_IMAGE)
		errx(1, "%s/link.ld puts no image note into a PT_NOTE segment", b->platform_dir);
	write_file(to, copy, end);
	if (stat(b->elf, &st) == 0)
		chmod(to, st.st_mode & 0777);
	b->image_len = end;
	image_build_id(copy, end, b->build_id);
	sha256_hex(copy, end, b->image_id);
	free(copy);
}
