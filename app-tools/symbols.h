/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * symbols.h - names and lines for addresses in an image, from IMAGE.debug.
 * Addresses are offsets from the image's start, as crash messages give them.
 */
#ifndef KILN_SYMBOLS_H
#define KILN_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util.h"

struct symbols;

/*
 * Open the debug file of an image (IMAGE.debug, or the file itself if it has
 * symbols).  NULL, with *why said, if there is none or it is of another build.
 */
struct symbols *symbols_open(const char *image, const char **why);
/* "function+0x12", or "" if no function is there. */
void symbols_name(const struct symbols *s, uint64_t offset, struct sbuf *out);
/* Name of the function there, with its name space, NULL if there is none; and where it starts. */
const char *symbols_function(const struct symbols *s, uint64_t offset);
bool symbols_start(const struct symbols *s, uint64_t offset, uint64_t *start);
/* Value of a symbol, false if there is none of this name. */
bool symbols_value(const struct symbols *s, const char *name, uint64_t *value);
/* The same for a symbol of any kind. */
bool symbols_any(const struct symbols *s, const char *name, uint64_t *value);
/* Contents of a section, at any alignment; NULL if there is none. */
const void *symbols_section(const struct symbols *s, const char *name, size_t *len);
/* The whole debug file, which begins with its ELF header. */
const void *symbols_elf(const struct symbols *s, size_t *len);
const char *symbols_path(const struct symbols *s);

/*
 * The reader of crash messages: give it console output piece by piece.  It
 * remembers lines of the kernel that contain "image+0x1234" and, when a line of
 * another kind or symbolizer_flush() comes, looks all of them up in one go.
 * For each it then calls emit() with the line, its names appended.  If there are no
 * symbols, or if they are of another build than the crash says, it says so instead.
 * Other lines go to pass() if that is not NULL.
 */
struct symbolizer {
	struct symbols *symbols; /* NULL: there are none, for this reason: */
	const char *why_none;	 /* said on standard error in the place of the names */
	void (*emit)(void *arg, const char *line, size_t len);
	void (*pass)(void *arg, const char *line, size_t len); /* with newline, if it had one */
	void *arg;

	struct sbuf line;
	struct strlist pending;
	char build[17];	 /* of the image that crashed, as it says; "" if it does not */
	bool complained; /* of this crash */
};

void symbolizer_feed(struct symbolizer *z, const char *data, size_t len);
void symbolizer_flush(struct symbolizer *z); /* also at the end of input */

#endif
