/* SPDX-License-Identifier: BSD-2-Clause */
/* Goes through a whole EROFS image, good or bad, for the unit test and the fuzz target. */
#ifndef EROFS_WALK_H
#define EROFS_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct erofs_walk {
	unsigned dirs, files, links, others; /* that could be opened */
	unsigned errors;		     /* EUCLEAN, EOPNOTSUPP on the way */
	unsigned lost;			     /* names that readdir gives and lookup does not find */
	uint64_t bytes;
};

/*
 * Mount the image, read all directories, files and links, each in every way there is, and
 * unmount.  What must hold for any image is checked, and abort() called if it does not.  direct:
 * the image is page-aligned and its own pages may be given for mapping.  0 or what mounting gave.
 */
int erofs_walk(const void *image, size_t size, bool direct, struct erofs_walk *w);

#endif
