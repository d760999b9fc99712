/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes memory until there is none, gives it back, goes on: three times, with the same result.
 * Before that, the corners of mmap's family that a platform or a lot of address space can spoil.
 */
#define _GNU_SOURCE
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PIECE (64 * 1024)
#define MOST  65536
#define PAGE  4096

static void *pieces[MOST];

static int take_all(void)
{
	int n = 0;

	while (n < MOST && (pieces[n] = malloc(PIECE)) != NULL)
		memset(pieces[n++], 0x5a, PIECE);
	return n;
}

static char *map(size_t len, int flags)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		printf("FAIL exhaust: mmap of %zu bytes\n", len);
		exit(1);
	}
	return p;
}

static int checked(int good, const char *what)
{
	check(good, what);
	return !good;
}

/* Executable memory is refused here and there: then the memory must be what it was. */
static int refused_protection(void)
{
	size_t len = 16 * PAGE;
	char *p = map(len, MAP_PRIVATE);
	int bad = 0;

	for (size_t i = 0; i < len / 2; i += PAGE)
		p[i] = 1;
	(void)mprotect(p, len, PROT_READ | PROT_WRITE | PROT_EXEC);
	for (size_t i = 0; i < len; i += PAGE)
		bad |= p[i]++ != (i < len / 2);
	munmap(p, len);
	return checked(!bad, "memory works after mprotect");
}

static int discarded_shared(void)
{
	char *p = map(2 * PAGE, MAP_SHARED), *q = map(2 * PAGE, MAP_PRIVATE);
	int bad;

	p[0] = q[0] = 7;
	bad = madvise(p, 2 * PAGE, MADV_DONTNEED) | madvise(q, 2 * PAGE, MADV_DONTNEED);
	bad |= p[0] != 7 || q[0] != 0;
	munmap(p, 2 * PAGE);
	munmap(q, 2 * PAGE);
	return checked(!bad, "MADV_DONTNEED keeps shared memory");
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Address space as collectors and sanitizers reserve it, with next to nothing in it. */
static int reservations(void)
{
	int prot = PROT_READ | PROT_WRITE, bad = 0;
	size_t len = 1UL << 38, cut = PAGE;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	char *p, *q;
	double start;

	while ((p = mmap(NULL, len, prot, flags, -1, 0)) == MAP_FAILED && len > 1UL << 34)
		len /= 2;
	if (p == MAP_FAILED)
		return checked(0, "a reservation");
	len -= cut; /* off the borders of page tables */
	bad |= munmap(p, cut);
	p += cut;
	p[len - 1] = 1;
	p[len / 3] = 2;
	start = now();
	bad |= mprotect(p, len, PROT_READ) | mprotect(p, len, prot);
	bad |= p[len - 1] != 1 || p[len / 3] != 2;
	q = mremap(p, len, len + PAGE, MREMAP_MAYMOVE);
	if (q != MAP_FAILED)
		p = q;
	bad |= p[len - 1] != 1 || p[len / 3] != 2;
	bad |= madvise(p, len - PAGE, MADV_DONTNEED) || p[len - 1] != 1 || p[len / 3] != 0;
	bad |= munmap(p, len + PAGE);
	start = now() - start;
	if (start > 0.7)
		printf("%zu GB: %.3f s\n", len >> 30, start);
	return checked(!bad && start < 0.7, "holes cost nothing");
}

int main(void)
{
	int first = 0;

	if (refused_protection() | discarded_shared() | reservations())
		return 1;
	for (int round = 0; round < 3; round++) {
		int n = take_all();
		printf("round %d: %d pieces of %d KB, then NULL\n", round, n, PIECE / 1024);
		if (n == MOST || n == 0) {
			printf("FAIL exhaust: no end, or no beginning\n");
			return 1;
		}
		for (int i = 0; i < n; i++)
			free(pieces[i]);
		if (round == 0)
			first = n;
		else if (n < first - first / 50) {
			printf(
			    "FAIL exhaust: %d pieces at first, %d now: memory is lost\n", first, n);
			return 1;
		}
	}
	printf("ok exhaust\n");
	return 0;
}
