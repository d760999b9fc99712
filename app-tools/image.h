/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image.h - what a file is, and the note by which an image says it is one.
 *
 * The note: an ELF note in a PT_NOTE segment, owner "Kiln", type 1.  Its
 * descriptor is a little-endian 32-bit format version followed by a JSON
 * document, NUL-terminated:
 *   {"platform":"hw","program":"hello","components":["kern/base",...]}
 * The identity of the build is the GNU build-id note beside it.
 */
#ifndef KILN_IMAGE_H
#define KILN_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util.h"

#define IMAGE_NOTE_OWNER "Kiln"
#define IMAGE_NOTE_TYPE	 1
#define IMAGE_FORMAT	 1

/* Section names that bake and the toolchain agree on. */
#define UNBAKED_SECTION ".kiln.unbaked"

enum file_kind {
	FILE_UNBAKED, /* what cross-cc links */
	FILE_IMAGE,   /* what bake makes */
	FILE_OBJECT,  /* relocatable ELF without our mark */
	FILE_HOST,    /* executable or shared ELF that is not ours */
	FILE_FOREIGN, /* ELF for another machine */
	FILE_ARCHIVE,
	FILE_SCRIPT,
	FILE_EMPTY,
	FILE_OTHER,
};

/* Look at a file's contents. */
enum file_kind file_kind(const void *data, size_t len);
/* "an executable of the host", and so on. */
const char *file_kind_text(enum file_kind kind);

struct image {
	const char *path;
	const void *data; /* the file, mapped */
	size_t len;
	uint32_t format;
	char *platform;
	char *program; /* its name: argv[0] */
	struct strlist components;
	char build_id[65]; /* hexadecimal; "" if there is none */
	uint64_t memory;   /* bytes its segments need */
};

/*
 * Open an image and check that it is one, of this format.  Ends the command
 * with a message that says what the file is instead.
 */
void image_open(const char *path, struct image *im);
/* The descriptor of the note for an image. */
void image_note(
    struct sbuf *desc, const char *platform, const char *program, const struct strlist *components);
/* Build-id of any ELF file in memory, as hexadecimal; "" if it has none. */
void image_build_id(const void *data, size_t len, char hex[65]);

#endif
