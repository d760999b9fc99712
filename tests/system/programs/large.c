/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is walked through, so much that it consists of large pages: what happens to a part of
 * it leaves the rest as it was.
 */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MB   (1UL << 20)
#define SIZE (32 * MB)
#define PAGE 4096UL

static char *area(void)
{
	char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	for (size_t at = 0; at < SIZE; at += PAGE)
		*(uint64_t *)(p + at) = at + 1;
	return p;
}

/* Pages from..to hold what area() wrote, times factor. */
static int holds(const char *p, size_t from, size_t to, uint64_t factor)
{
	for (size_t at = from; at < to; at += PAGE)
		if (*(const uint64_t *)(p + at) != (at + 1) * factor)
			return 0;
	return 1;
}

static void holes(void)
{
	char *p = area();
	int good = 1;

	/* A page out of each megabyte, then half a megabyte of each fourth. */
	for (size_t at = 0; at < SIZE; at += MB)
		good &= munmap(p + at + 37 * PAGE, PAGE) == 0;
	for (size_t at = 0; at < SIZE; at += 4 * MB)
		good &= munmap(p + at + MB / 2, MB / 2) == 0;
	for (size_t at = 0; at < SIZE; at += MB)
		good &= holds(p, at, at + 37 * PAGE, 1) &&
			holds(p, at + 38 * PAGE, at + MB / 2, 1) &&
			(at % (4 * MB) == 0 || holds(p, at + MB / 2, at + MB, 1));
	check(good, "munmap of parts");
	check(munmap(p, SIZE) == 0, "and of the rest");
}

static void discards(void)
{
	char *p = area();
	int good = 1;

	for (size_t at = PAGE; at < SIZE; at += 3 * MB)
		good &= madvise(p + at, 5 * PAGE, MADV_DONTNEED) == 0;
	for (size_t at = PAGE; at < SIZE; at += 3 * MB)
		good &= holds(p, at, at + 5 * PAGE, 0) &&
			holds(p, at + 5 * PAGE, at + 6 * PAGE, 1) && holds(p, at - PAGE, at, 1);
	check(good, "MADV_DONTNEED of parts");
	munmap(p, SIZE);
}

static void protections(void)
{
	char *p = area(), *q;
	int good = 1, fds[2];

	good &= pipe(fds) == 0;
	for (size_t at = 5 * PAGE; at < SIZE; at += 2 * MB + 9 * PAGE)
		good &= mprotect(p + at, PAGE, PROT_NONE) == 0 && write(fds[1], p + at, 1) == -1 &&
			write(fds[1], p + at + PAGE, 1) == 1;
	good &= mprotect(p, SIZE, PROT_READ) == 0 && read(fds[0], p, 1) == -1;
	good &= mprotect(p, SIZE, PROT_READ | PROT_WRITE) == 0 && holds(p, 0, SIZE, 1);
	check(good, "mprotect of parts and of all");
	q = mremap(p, SIZE, SIZE + 4 * MB, MREMAP_MAYMOVE);
	check(q != MAP_FAILED && holds(q, 0, SIZE, 1), "mremap");
	check(mremap(q, SIZE + 4 * MB, 7 * MB + PAGE, 0) == q && holds(q, 0, 7 * MB + PAGE, 1),
	    "and back");
	munmap(q, 7 * MB + PAGE);
	close(fds[0]);
	close(fds[1]);
}

static char *shared;

/* Two threads walk through the same memory, each half a page. */
static void *walker(void *arg)
{
	for (size_t at = 0; at < SIZE; at += PAGE)
		shared[at + (size_t)arg * (PAGE / 2)]++;
	return NULL;
}

static void two(void)
{
	pthread_t t[2];
	int good = 1;

	shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, walker, (void *)i);
	for (size_t i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	for (size_t at = 0; at < SIZE; at += PAGE / 2)
		good &= shared[at] == 1;
	check(good, "two threads at once");
	munmap(shared, SIZE);
}

int main(void)
{
	for (int i = 0; i < 3; i++) {
		holes();
		discards();
		protections();
		two();
	}
	return failures != 0;
}
