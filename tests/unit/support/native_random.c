/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers that a failing test can repeat: xorshift from a seed that is
 * printed, or taken from KILN_TEST_SEED.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <kern/random.h>

static uint64_t state;

static uint64_t next(void)
{
	if (state == 0) {
		const char *seed = getenv("KILN_TEST_SEED");

		state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 2654435761U;
		state += state == 0;
		fprintf(stderr, "KILN_TEST_SEED=%#llx\n", (unsigned long long)state);
	}
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

void random_bytes(void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len-- > 0)
		*p++ = (uint8_t)(next() >> 32);
}

uint32_t random_u32(void)
{
	return (uint32_t)(next() >> 32);
}

void random_add(const void *data, size_t len, unsigned bits)
{
}

bool random_ready(void)
{
	return true;
}
