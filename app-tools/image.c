/* SPDX-License-Identifier: BSD-2-Clause */
#include "image.h"
#include "json.h"
#include "kiln.h"

#include <elf.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Images have no section headers, so notes are found through program headers.
 * Both tables are bounded by the file before anything is read from them.
 */
static const Elf64_Ehdr *ehdr_of(const void *data, size_t len)
{
	const Elf64_Ehdr *eh = data;

	if (len < sizeof(*eh) || memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 ||
	    eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB ||
	    eh->e_machine != EM_X86_64)
		return NULL;
	return eh;
}

static const Elf64_Phdr *phdrs_of(const Elf64_Ehdr *eh, size_t len, size_t *n)
{
	*n = 0;
	if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phoff > len || eh->e_phoff % 8 != 0 ||
	    (len - eh->e_phoff) / sizeof(Elf64_Phdr) < eh->e_phnum)
		return NULL;
	*n = eh->e_phnum;
	return (const void *)((const char *)eh + eh->e_phoff);
}

/* Find a note by owner and type in one segment of notes. */
static const void *note_in(
    const char *p, size_t len, size_t align, const char *owner, uint32_t type, size_t *desclen)
{
	size_t ownerlen = strlen(owner) + 1, namesz, descsz;
	Elf64_Nhdr nh;

	while (len >= sizeof(nh)) {
		memcpy(&nh, p, sizeof(nh));
		namesz = ((size_t)nh.n_namesz + align - 1) & ~(align - 1);
		descsz = ((size_t)nh.n_descsz + align - 1) & ~(align - 1);
		p += sizeof(nh);
		len -= sizeof(nh);
		if (namesz > len || nh.n_descsz > len - namesz)
			break;
		if (nh.n_type == type && nh.n_namesz == ownerlen &&
		    memcmp(p, owner, ownerlen) == 0) {
			*desclen = nh.n_descsz;
			return p + namesz;
		}
		if (descsz > len - namesz)
			break;
		p += namesz + descsz;
		len -= namesz + descsz;
	}
	return NULL;
}

static const void *find_note(
    const void *data, size_t len, const char *owner, uint32_t type, size_t *desclen)
{
	const Elf64_Ehdr *eh = ehdr_of(data, len);
	const Elf64_Phdr *ph;
	const void *desc;
	size_t n;

	if (eh == NULL || (ph = phdrs_of(eh, len, &n)) == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (ph[i].p_type != PT_NOTE || ph[i].p_offset > len ||
		    ph[i].p_filesz > len - ph[i].p_offset)
			continue;
		desc = note_in((const char *)data + ph[i].p_offset, ph[i].p_filesz,
		    ph[i].p_align == 8 ? 8 : 4, owner, type, desclen);
		if (desc != NULL)
			return desc;
	}
	return NULL;
}

/* Section by name, in files that have section headers. */
static bool has_section(const void *data, size_t len, const char *name)
{
	const Elf64_Ehdr *eh = data;
	const Elf64_Shdr *sh, *str;
	size_t n = eh->e_shnum, stri = eh->e_shstrndx;

	if (eh->e_shoff == 0 || eh->e_shoff % 8 != 0 || eh->e_shoff > len ||
	    eh->e_shentsize != sizeof(*sh) || len - eh->e_shoff < sizeof(*sh))
		return false;
	sh = (const void *)((const char *)data + eh->e_shoff);
	if (n == 0)
		n = sh[0].sh_size; /* more than 65,279 sections: ELF keeps it there */
	if (stri == SHN_XINDEX)
		stri = sh[0].sh_link;
	if (n > (len - eh->e_shoff) / sizeof(*sh) || stri >= n)
		return false;
	str = &sh[stri];
	if (str->sh_offset > len || str->sh_size > len - str->sh_offset)
		return false;
	for (size_t i = 0; i < n; i++)
		if (sh[i].sh_name < str->sh_size && str->sh_size - sh[i].sh_name > strlen(name) &&
		    memcmp((const char *)data + str->sh_offset + sh[i].sh_name, name,
			strlen(name) + 1) == 0)
			return true;
	return false;
}

enum file_kind file_kind(const void *data, size_t len)
{
	const Elf64_Ehdr *eh = ehdr_of(data, len);
	size_t n;

	if (len == 0)
		return FILE_EMPTY;
	if (eh == NULL) {
		if (len >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0)
			return FILE_FOREIGN;
		if (len >= 8 && memcmp(data, "!<arch>\n", 8) == 0)
			return FILE_ARCHIVE;
		if (len >= 2 && memcmp(data, "#!", 2) == 0)
			return FILE_SCRIPT;
		return FILE_OTHER;
	}
	if (find_note(data, len, IMAGE_NOTE_OWNER, IMAGE_NOTE_TYPE, &n) != NULL)
		return FILE_IMAGE;
	if (eh->e_type == ET_REL)
		return has_section(data, len, UNBAKED_SECTION) ||
			       has_section(data, len, ".note" UNBAKED_SECTION)
			   ? FILE_UNBAKED
			   : FILE_OBJECT;
	return FILE_HOST;
}

const char *file_kind_text(enum file_kind kind)
{
	switch (kind) {
	case FILE_UNBAKED:
		return "an unbaked program";
	case FILE_IMAGE:
		return "an image that is baked already";
	case FILE_OBJECT:
		return "an object file that is not linked into a program";
	case FILE_HOST:
		return "an executable of the host";
	case FILE_FOREIGN:
		return "an ELF file for another machine";
	case FILE_ARCHIVE:
		return "a library";
	case FILE_SCRIPT:
		return "a script";
	case FILE_EMPTY:
		return "an empty file";
	case FILE_OTHER:
		break;
	}
	return "a file of an unknown kind";
}

void image_build_id(const void *data, size_t len, char hex[65])
{
	size_t n;
	const unsigned char *id = find_note(data, len, "GNU", NT_GNU_BUILD_ID, &n);

	hex[0] = '\0';
	for (size_t i = 0; id != NULL && i < n && i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
}

static void not_an_image(const char *path, enum file_kind kind)
{
	const char *hint = "";

	if (kind == FILE_UNBAKED)
		hint = "; bake it first: kiln bake PROGRAM -o IMAGE";
	else if (kind == FILE_HOST)
		hint = "; compile it with cross-cc, then kiln bake";
	errx(kiln_failure, "%s is not a Kiln image but %s%s", path, file_kind_text(kind), hint);
}

static uint64_t memory_needed(const struct image *im)
{
	const Elf64_Phdr *ph;
	uint64_t sum = 0;
	size_t n;

	ph = phdrs_of(im->data, im->len, &n);
	for (size_t i = 0; i < n; i++)
		if (ph[i].p_type == PT_LOAD && ph[i].p_memsz < UINT64_C(1) << 40)
			sum += ph[i].p_memsz;
	return sum;
}

/* How long the file must be for its segments, or their table; 0 if it is no ELF file. */
static uint64_t whole_length(const void *data, size_t len)
{
	const Elf64_Ehdr *eh = ehdr_of(data, len);
	const Elf64_Phdr *ph;
	uint64_t end, whole;
	size_t n;

	if (eh == NULL || eh->e_type == ET_REL)
		return 0;
	ph = phdrs_of(eh, len, &n);
	whole = eh->e_phoff + eh->e_phnum * sizeof(*ph);
	for (size_t i = 0; i < n; i++)
		if (!__builtin_add_overflow(ph[i].p_offset, ph[i].p_filesz, &end) && end > whole)
			whole = end;
	return whole;
}

void image_open(const char *path, struct image *im)
{
	struct json note, list;
	const char *why = NULL;
	const char *desc;
	size_t n;

	*im = (struct image){.path = path};
	im->data = map_file(path, &im->len);
	if (im->data == NULL)
		err(kiln_failure, "%s", path);
	if (whole_length(im->data, im->len) > im->len)
		errx(kiln_failure, "%s: truncated: %zu bytes of at least %lu", path, im->len,
		    whole_length(im->data, im->len));
	desc = find_note(im->data, im->len, IMAGE_NOTE_OWNER, IMAGE_NOTE_TYPE, &n);
	if (desc == NULL)
		not_an_image(path, file_kind(im->data, im->len));
	if (n < 5)
		errx(kiln_failure, "%s: damaged image note", path);
	memcpy(&im->format, desc, 4);
	if (im->format != IMAGE_FORMAT)
		errx(kiln_failure,
		    "%s: image of format %u, but this kiln knows format %u; bake it again", path,
		    im->format, IMAGE_FORMAT);
	note = json_parse(desc + 4, strnlen(desc + 4, n - 4), &why);
	im->platform = json_string(json_get(note, "platform"));
	im->program = json_string(json_get(note, "program"));
	list = json_get(note, "components");
	if (im->platform == NULL || im->program == NULL)
		errx(kiln_failure, "%s: damaged image note%s%s", path, why ? ": " : "",
		    why ? why : "");
	for (struct json e = json_first(list); json_ok(e); e = json_next(list, e)) {
		char *s = json_string(e);

		strlist_add(&im->components, s ? s : "");
		free(s);
	}
	image_build_id(im->data, im->len, im->build_id);
	im->memory = memory_needed(im);
}

void image_note(
    struct sbuf *desc, const char *platform, const char *program, const struct strlist *components)
{
	uint32_t format = IMAGE_FORMAT;

	sbuf_add(desc, &format, sizeof(format));
	sbuf_puts(desc, "{\"platform\":");
	sbuf_json(desc, platform);
	sbuf_puts(desc, ",\"program\":");
	sbuf_json(desc, program);
	sbuf_puts(desc, ",\"components\":");
	strlist_json(components, ",", desc);
	sbuf_puts(desc, "}");
	sbuf_add(desc, "", 1);
}
