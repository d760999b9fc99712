/* SPDX-License-Identifier: BSD-2-Clause */
/* Moving memory, copying from and to the program, formatting: in an image, with real faults. */
#include "inside.h"

#define ROOM 512

static unsigned char src[ROOM], dst[ROOM], want[ROOM], keep[ROOM];

static void fill(unsigned n)
{
	for (unsigned i = 0; i < ROOM; i++) {
		src[i] = (unsigned char)(i * 7 + n);
		dst[i] = want[i] = (unsigned char)(i * 3);
	}
}

static int same(void)
{
	for (unsigned i = 0; i < ROOM; i++)
		if (dst[i] != want[i])
			return 0;
	return 1;
}

static void move(unsigned n, unsigned to, unsigned from)
{
	fill(n);
	CHECK(kern_memcpy(dst + to, src + from, n) == dst + to);
	for (unsigned i = 0; i < n; i++)
		want[to + i] = src[from + i];
	CHECK(same());
	CHECK(kern_memcmp(dst, want, ROOM) == 0);
	kern_memset(dst + to, (int)n, n);
	for (unsigned i = 0; i < n; i++)
		want[to + i] = (unsigned char)n;
	CHECK(same());
	fill(n);
	kern_memmove(dst + 20 + to, dst + 20 + from, n);
	for (unsigned i = 0; i < n; i++)
		keep[i] = want[20 + from + i];
	for (unsigned i = 0; i < n; i++)
		want[20 + to + i] = keep[i];
	CHECK(same());
}

static void moves(void)
{
	for (unsigned n = 0; n < 300; n += n < 80 ? 1 : 7)
		for (unsigned to = 0; to < 9; to++)
			for (unsigned from = 0; from < 9; from += 1 + n / 64)
				move(n, to, from);
}

static void copies(void)
{
	uint32_t word = 5, v = 0;
	char s[16];
	size_t done;

	CHECK(copyin((void *)8, dst, 100) == 14);
	CHECK(copyout(src, (void *)0x800000000000UL, 1) == 14);
	CHECK(copyout(src, (void *)0xdeadbeef00000000UL, 300) == 14);
	CHECK(copyin(src, dst, 100) == 0 && dst[99] == src[99]);
	CHECK(ufetch_32((uint32_t *)4, &v) == 14);
	CHECK(ufetch_32(&word, &v) == 0 && v == 5);
	CHECK(ucas_32(&word, 5, 6, &v) == 0 && v == 5 && word == 6);
	CHECK(ucas_32(&word, 5, 7, &v) == 0 && v == 6 && word == 6);
	CHECK(ucas_32(NULL, 5, 7, &v) == 14);
	CHECK(copyinstr("hello", s, 16, &done) == 0 && done == 6);
	CHECK(copyinstr("hello", s, 6, NULL) == 0);
	CHECK(copyinstr("hello", s, 5, NULL) == 36);
	CHECK(copyinstr((void *)16, s, 5, NULL) == 14);
}

static void format(const char *fmt, long arg, const char *expected)
{
	char buf[64], *p = buf;

	ksnprintf(buf, sizeof(buf), fmt, arg);
	while (*p != '\0' && *p == *expected)
		p++, expected++;
	if (*p != *expected) {
		failed++;
		kprintf("FAIL format %s gave %s\n", fmt, buf);
	}
}

static void formats(void)
{
	char small[4];

	format("%ld", 42, "42");
	format("%5ld", 42, "   42");
	format("%-5ld|", 42, "42   |");
	format("%05ld", -42, "-0042");
	format("%lx", 42, "2a");
	format("%#lx", 42, "0x2a");
	format("%p", 42, "0x2a");
	format("%08lx", 42, "0000002a");
	format("%ld", -9223372036854775807L - 1, "-9223372036854775808");
	format("%lu", -1, "18446744073709551615");
	format("%u", -1, "4294967295");
	format("%d", -1, "-1");
	format("%.3s", (long)"abcdef", "abc");
	format("%5s", (long)"abc", "  abc");
	format("%s", 0, "(null)");
	format("%c", 'x', "x");
	format("%%", 0, "%");
	CHECK(ksnprintf(small, sizeof(small), "%d", 123456) == 6 && small[2] == '3' &&
	      small[3] == '\0');
}

void test_main(void)
{
	mem_rep_min = ~0UL;
	moves();
	mem_rep_min = 64;
	moves();
	copies();
	formats();
	sys_exit_group(failed != 0);
}
