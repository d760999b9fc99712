/* SPDX-License-Identifier: BSD-2-Clause */
/* bake.h - what the files of `kiln bake` share; see bake.c for the way it goes. */
#ifndef KILN_BAKE_H
#define KILN_BAKE_H

#include "reach.h"

/* One of the programs that become the image. */
struct program {
	const char *file;   /* as it was named */
	char *name;	    /* what the image calls it, if there are several */
	const char *linked; /* what is linked: the file, or a copy */
};

struct bake {
	/* asked for */
	struct program *program;
	size_t nprogram;
	const char *output, *platform, *root, *report, *hostname, *start;
	struct strlist args, env, syscalls, with;
	bool verbose;

	/* found out */
	char *platform_dir;
	char *entry; /* symbol at which the machine enters */
	struct strlist link_flags;
	struct reach reach;

	/* made */
	const char *elf;    /* the linked file, with symbols */
	const char *map;    /* the linker's map of it */
	const void *rootfs; /* EROFS image, NULL if there is no root */
	size_t rootfs_len;
	size_t image_len;
	char build_id[65], image_id[65];
};

/* bake_link.c */
void bake_read_platform(struct bake *b);
void bake_root(struct bake *b); /* make the EROFS image */
void bake_link(struct bake *b); /* -> b->elf, b->map */
/* Copy of b->elf without symbols and section headers; fills image_len and ids. */
void bake_strip(struct bake *b, const char *to);

/* bake_programs.c: what an image of several programs needs. */
/* Names, and the copies that are linked. */
void bake_split_programs(struct bake *b);
/* Tell the walk what the script defines; the path of the script. */
void bake_programs_words(struct bake *b);
const char *bake_programs_script(const struct bake *b);
/* The image's name for a program. */
void bake_name_program(struct program *p);

/* bake_report.c */
void bake_report(const struct bake *b, const char *to);
void bake_summary(const struct bake *b);

/* Entry of one or more objects in the report. */
struct sizes {
	uint64_t text, rodata, data, bss;
};
/* Sizes per object of b->reach.object[], from the linker's map. */
struct sizes *bake_sizes(const struct bake *b);

#endif
