/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EROFS: the input is an image; all of it is read.  Seeds come from mkfs.erofs
 * (tests/fuzz/seeds_erofs.sh).  An image is mostly zeros and file contents, where changing a
 * byte does nothing, so half of the mutations pick a field that is not zero and give it a value
 * that fields have: small, large, or that of another field.
 */
#include <stdlib.h>
#include <string.h>

#include "erofs_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static unsigned next(unsigned *rng)
{
	*rng = *rng * 1103515245 + 12345;
	return *rng >> 8;
}

/* A field: 2, 4 or 8 bytes, aligned, not zero if one can be found. */
static uint8_t *pick(uint8_t *data, size_t size, size_t width, unsigned *rng)
{
	static const uint8_t zero[8];
	uint8_t *field = data;

	for (int i = 0; i < 32; i++) {
		field = data + next(rng) % (size / width) * width;
		if (memcmp(field, zero, width) != 0)
			break;
	}
	return field;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	unsigned rng = seed;
	size_t width = (size_t)2 << next(&rng) % 3;
	uint8_t *field;
	uint64_t value = 0;

	if (size < 2048 || next(&rng) % 2)
		return LLVMFuzzerMutate(data, size, max_size);
	field = pick(data, size, width, &rng);
	memcpy(&value, field, width);
	switch (next(&rng) % 7) {
	case 0:
		value = 0;
		break;
	case 1:
		value = next(&rng) % 64;
		break;
	case 2:
		value = UINT64_MAX - next(&rng) % 2;
		break;
	case 3:
		value ^= 1ULL << next(&rng) % (8 * width);
		break;
	case 4:
		value += 1 - next(&rng) % 3;
		break;
	case 5:
		value = size - next(&rng) % 2 * 4096;
		break;
	default:
		memcpy(&value, pick(data, size, width, &rng), width);
	}
	memcpy(field, &value, width);
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct erofs_walk w;
	uint8_t *image;

	if (size == 0)
		return 0;
	/* A heap object of just that size, aligned as images are; an overrun is seen. */
	if (posix_memalign((void **)&image, 4096, size) != 0)
		return 0;
	memcpy(image, data, size);
	(void)erofs_walk(image, size, size % 4096 == 0, &w);
	free(image);
	return 0;
}
