/* SPDX-License-Identifier: BSD-2-Clause */
/* memcpy, memmove and memset of the libc port: every small length, offset and overlap. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 1024

static unsigned char a[SIZE], b[SIZE];
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static void *(*volatile copy)(void *restrict, const void *restrict, size_t) = memcpy;
static void *(*volatile set)(void *, int, size_t) = memset;

static void fill(unsigned char *p)
{
	for (int i = 0; i < SIZE; i++)
		p[i] = (unsigned char)(i * 7 + i / 256);
}

static void compare(const char *what, size_t to, size_t from, size_t n)
{
	for (int i = 0; i < SIZE; i++)
		if (a[i] != b[i]) {
			printf("%s(%zu, %zu, %zu): byte %d\n", what, to, from, n, i);
			exit(1);
		}
}

static void try_move(size_t to, size_t from, size_t n)
{
	unsigned char tmp[SIZE];

	fill(a);
	fill(b);
	if (move(a + to, a + from, n) != a + to)
		exit(2);
	for (size_t i = 0; i < n; i++)
		tmp[i] = b[from + i];
	for (size_t i = 0; i < n; i++)
		b[to + i] = tmp[i];
	compare("memmove", to, from, n);
}

int main(void)
{
	for (size_t n = 0; n <= 300; n++)
		for (size_t from = 0; from < 200; from += n < 40 ? 1 : 7)
			for (size_t to = 100; to < 120; to++)
				try_move(to, from, n);
	for (size_t n = 0; n <= 300; n++)
		for (size_t to = 0; to < 20; to++) {
			fill(a);
			fill(b);
			set(a + to, 0x1a5, n);
			for (size_t i = 0; i < n; i++)
				b[to + i] = 0xa5;
			compare("memset", to, 0, n);
			fill(a);
			fill(b);
			copy(a + to, a + 500, n);
			for (size_t i = 0; i < n; i++)
				b[to + i] = b[500 + i];
			compare("memcpy", to, 500, n);
		}
	puts("copies: fine");
	return 0;
}
