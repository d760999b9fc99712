/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entropy.c - random bytes of the processor (RDSEED, else RDRAND), and for
 * the placement of the image also where it has neither: the jitter of the time
 * stamp counter against device accesses.
 */
#include "hw.h"

static bool hw_rand_insn(uint64_t *v)
{
	unsigned i;
	bool ok;

	for (i = 0; i < 10 && hw_features.rdseed; i++) {
		__asm__ volatile("rdseed %0" : "=r"(*v), "=@ccc"(ok));
		if (ok)
			return true;
	}
	for (i = 0; i < 10 && hw_features.rdrand; i++) {
		__asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(ok));
		if (ok)
			return true;
	}
	return false;
}

uint64_t hw_random(void)
{
	static uint64_t state;
	uint64_t v;
	unsigned i;

	if (hw_rand_insn(&v)) {
		state ^= v;
	} else {
		for (i = 0; i < 16; i++) {
			state = (state ^ hw_rdtsc()) * 0xbf58476d1ce4e5b9ULL;
			state ^= state >> 29;
			hw_take_time();
		}
	}
	/* Vigna's splitmix64. */
	state += 0x9e3779b97f4a7c15ULL;
	v = state;
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ULL;
	v = (v ^ v >> 27) * 0x94d049bb133111ebULL;
	return v ^ v >> 31;
}

void rumpuser_entropy(void *buf, size_t len, unsigned *bits)
{
	uint8_t *p = buf;
	uint64_t v;
	size_t n, left = len;
	bool good = true;

	while (left > 0) {
		if (!hw_rand_insn(&v)) {
			good = false;
			v = hw_random();
		}
		n = left < sizeof(v) ? left : sizeof(v);
		__builtin_memcpy(p, &v, n);
		p += n;
		left -= n;
	}
	*bits = good ? len * 8 : 0;
}
