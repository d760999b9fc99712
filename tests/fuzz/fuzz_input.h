/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For fuzz targets that play a hostile other end: the input, a byte at a time, zeros when it is
 * used up; and what must hold.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include <kern/systm.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (!(cond))                                                                       \
			panic("%s:%d: %s", __FILE__, __LINE__, #cond);                             \
	} while (0)

static const uint8_t *fuzz_in;
static size_t fuzz_left;

static inline unsigned fuzz_byte(void)
{
	if (fuzz_left == 0)
		return 0;
	fuzz_left--;
	return *fuzz_in++;
}

static inline unsigned fuzz_word(void)
{
	unsigned low = fuzz_byte();

	return low | fuzz_byte() << 8;
}

#endif
