/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcpy() and memmove(): one function, for 64 bytes a turn in vector registers.
 *
 * musl's `rep movsq` starts slowly on real machines and is a loop of one
 * quadword a turn in an emulator.  Every turn loads its 64 bytes before it stores
 * any, and the part that does not fill a turn is loaded before the first,
 * so overlap needs nothing but the right direction.
 */
#include <stdint.h>
#include <string.h>

typedef uint64_t vec __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t u64 __attribute__((aligned(1), may_alias));
typedef uint32_t u32 __attribute__((aligned(1), may_alias));
typedef uint16_t u16 __attribute__((aligned(1), may_alias));

struct block {
	vec v[4];
};

static inline struct block load(const char *s)
{
	const vec *v = (const vec *)s;

	return (struct block){{v[0], v[1], v[2], v[3]}};
}

static inline void store(char *d, struct block b)
{
	vec *v = (vec *)d;

	v[0] = b.v[0];
	v[1] = b.v[1];
	v[2] = b.v[2];
	v[3] = b.v[3];
}

/* Two loads from either end that meet or overlap, then two stores. */
#define ENDS(type, d, s, n)                                                                        \
	do {                                                                                       \
		type first = *(const type *)(s);                                                   \
		type last = *(const type *)((s) + (n) - sizeof(type));                             \
		*(type *)(d) = first;                                                              \
		*(type *)((d) + (n) - sizeof(type)) = last;                                        \
	} while (0)

void *memmove(void *dst, const void *src, size_t n)
{
	char *d = dst;
	const char *s = src;
	struct block rest;

	if (n <= 32) {
		if (n >= 16)
			ENDS(vec, d, s, n);
		else if (n >= 8)
			ENDS(u64, d, s, n);
		else if (n >= 4)
			ENDS(u32, d, s, n);
		else if (n >= 2)
			ENDS(u16, d, s, n);
		else if (n == 1)
			*d = *s;
		return dst;
	}
	if (n <= 64) {
		vec a = *(const vec *)s, b = *(const vec *)(s + 16);
		vec y = *(const vec *)(s + n - 32), z = *(const vec *)(s + n - 16);

		*(vec *)d = a;
		*(vec *)(d + 16) = b;
		*(vec *)(d + n - 32) = y;
		*(vec *)(d + n - 16) = z;
		return dst;
	}
	if ((uintptr_t)d - (uintptr_t)s >= n) {
		rest = load(s + n - 64);
		for (size_t i = 0; i < n - 64; i += 64)
			store(d + i, load(s + i));
		store(d + n - 64, rest);
	} else {
		rest = load(s);
		for (size_t i = n; i > 64; i -= 64)
			store(d + i - 64, load(s + i - 64));
		store(d, rest);
	}
	return dst;
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
    __attribute__((alias("memmove")));
