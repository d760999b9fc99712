/* SPDX-License-Identifier: BSD-2-Clause */
/* 64 bytes a turn in vector registers; memcpy.c says why not `rep stosq`. */
#include <stdint.h>
#include <string.h>

typedef uint64_t vec __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t u64 __attribute__((aligned(1), may_alias));
typedef uint32_t u32 __attribute__((aligned(1), may_alias));
typedef uint16_t u16 __attribute__((aligned(1), may_alias));

/* Two stores from either end that meet or overlap. */
#define ENDS(type, d, n, value)                                                                    \
	do {                                                                                       \
		*(type *)(d) = (value);                                                            \
		*(type *)((d) + (n) - sizeof(type)) = (value);                                     \
	} while (0)

void *memset(void *dst, int c, size_t n)
{
	char *d = dst;
	uint64_t word = (unsigned char)c * UINT64_C(0x0101010101010101);
	vec v = {word, word};

	if (n < 16) {
		if (n >= 8)
			ENDS(u64, d, n, word);
		else if (n >= 4)
			ENDS(u32, d, n, (uint32_t)word);
		else if (n >= 2)
			ENDS(u16, d, n, (uint16_t)word);
		else if (n == 1)
			*d = (char)c;
		return dst;
	}
	ENDS(vec, d, n, v);
	if (n <= 32)
		return dst;
	ENDS(vec, d + 16, n - 32, v);
	for (size_t i = 32; i + 32 < n; i += 64) {
		vec *p = (vec *)(d + (i + 64 <= n ? i : n - 64));

		p[0] = v;
		p[1] = v;
		p[2] = v;
		p[3] = v;
	}
	return dst;
}
