/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel has allocated, before and after.  On the host's Linux nothing is compared.
 * Compile with -DKILN -I rumpcomponents/include for an image.
 */
#ifndef MEMSTAT_H
#define MEMSTAT_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#ifdef KILN
#include <kern/memstat.h>

long sys_kiln_memstat(struct kiln_memstat *ms);

/* Objects of kmem_alloc()'s pools are counted by ms_kmem_bytes; names that are cached may be
 * forgotten. */
static int memstat_passed_over(const char *pool)
{
	return strncmp(pool, "kmem-", 5) == 0 || strcmp(pool, "namecache") == 0;
}

static int memstat_same(
    const struct kiln_memstat *a, const struct kiln_memstat *b, long page_slack, int print)
{
	long lost = (long)a->ms_pages_free - (long)b->ms_pages_free;
	int same = 1;

	if (a->ms_kmem_bytes < b->ms_kmem_bytes) {
		same = 0;
		if (print)
			printf("kmem_alloc: %ld bytes before, %ld after\n", (long)a->ms_kmem_bytes,
			    (long)b->ms_kmem_bytes);
	}
	for (unsigned i = 0; i < b->ms_npools; i++) {
		long before = 0, after = (long)b->ms_pool[i].live;

		for (unsigned j = 0; j < a->ms_npools; j++)
			if (strcmp(a->ms_pool[j].name, b->ms_pool[i].name) == 0)
				before += (long)a->ms_pool[j].live;
		if (after <= before || memstat_passed_over(b->ms_pool[i].name))
			continue;
		same = 0;
		if (print)
			printf(
			    "pool %s: %ld before, %ld after\n", b->ms_pool[i].name, before, after);
	}
	if (lost > page_slack) {
		same = 0;
		if (print)
			printf("pages: %ld fewer free\n", lost);
	}
	return same;
}

/* Is no more allocated than at *before, give or take page_slack pages?  Waits for what is freed
 * late.
 */
static int memstat_compare(const struct kiln_memstat *before, long page_slack, int print)
{
	static struct kiln_memstat after;
	struct timespec ts = {0, 10000000};

	for (int i = 0; i < 300; i++) {
		if (sys_kiln_memstat(&after) != 0)
			return 0;
		if (memstat_same(before, &after, page_slack, print && i == 299))
			return 1;
		nanosleep(&ts, NULL);
	}
	return 0;
}
#else
struct kiln_memstat {
	int unused;
};
static long sys_kiln_memstat(struct kiln_memstat *ms)
{
	(void)ms;
	return 0;
}
static int memstat_compare(const struct kiln_memstat *before, long page_slack, int print)
{
	(void)before;
	(void)page_slack;
	(void)print;
	return 1;
}
#endif
#endif
