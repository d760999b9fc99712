/* SPDX-License-Identifier: BSD-2-Clause */
/* check.h - what the programs of system tests say: a line for each thing that holds, or doesn't
 * (lib.sh). */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdio.h>

static int failures; /* of one thread after the other */

/* The line is out when the next thing begins, which may be a crash. */
static inline void check(int good, const char *what)
{
	int error = errno;

	printf("%s %s\n", good ? "ok" : "FAIL", what);
	if (!good)
		printf("  errno %d\n", error);
	fflush(stdout);
	failures += !good;
}

#endif
