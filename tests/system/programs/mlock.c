/* SPDX-License-Identifier: BSD-2-Clause */
/* Locked and populated memory. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE  4096UL
#define PAGES 16UL

static char *map(int flags)
{
	return mmap(
	    NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static unsigned resident(void *p)
{
	unsigned char vec[PAGES];
	unsigned n = 0;

	memset(vec, 0, sizeof(vec));
	mincore(p, PAGES * PAGE, vec);
	for (unsigned i = 0; i < PAGES; i++)
		n += vec[i] & 1;
	return n;
}

static int invalidate(void *p)
{
	return msync(p, PAGE, MS_SYNC | MS_INVALIDATE);
}

int main(void)
{
	char *p = map(0), *q = map(MAP_POPULATE);

	check(resident(q) == PAGES, "MAP_POPULATE brings pages in");
	check(mlock(p + 100, PAGE) == 0 && resident(p) >= 2, "mlock brings its pages in");
	check(invalidate(p) == -1 && errno == EBUSY, "they are locked");
	check(invalidate(p + 4 * PAGE) == 0, "others are not");
	check(munlock(p, PAGE) == 0 && invalidate(p) == 0, "unlocked");
	check(invalidate(p + PAGE) == -1 && errno == EBUSY, "only what was asked for");
	munmap(p + 8 * PAGE, PAGE);
	check(mlock(p, PAGES * PAGE) == -1 && errno == ENOMEM, "a hole");
	check(mlock(p, (size_t)-4096) == -1 && errno == EINVAL, "a length past the end");
	check(mlockall(0) == -1 && errno == EINVAL, "mlockall of nothing");
	check(mlockall(MCL_CURRENT) == 0 && invalidate(q) == -1 && errno == EBUSY, "all is locked");
	munmap(q, PAGES * PAGE);
	q = map(0);
	check(invalidate(q) == 0, "but nothing new");
	check(mlockall(MCL_FUTURE) == 0, "MCL_FUTURE");
	munmap(q, PAGES * PAGE);
	q = map(0);
	check(invalidate(q) == -1 && errno == EBUSY, "what is new");
	check(munlockall() == 0 && invalidate(q) == 0, "munlockall");
	check(mlock2(q, PAGE, MLOCK_ONFAULT) == 0 && invalidate(q) == -1, "mlock2");
	check(mlock2(q, PAGE, 8) == -1 && errno == EINVAL, "with a flag that is none");
	return failures != 0;
}
