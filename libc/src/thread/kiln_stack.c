/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of a thread's stack.  Few threads use more than a few pages of the 128 KB that are
 * usual, so only the top is memory that the kernel promises (docs/architecture.md): what is below
 * costs nothing until it is touched.
 */
#include <sys/mman.h>
#include "libc.h"
#include "pthread_impl.h"

#define PROMISED 32768

hidden void *__kiln_map_stack(size_t size, int prot)
{
	size_t low = size > PROMISED ? size - PROMISED : 0;
	unsigned char *map =
	    __mmap(0, size, prot, MAP_PRIVATE | MAP_ANON | (low ? MAP_NORESERVE : 0), -1, 0);

	if (map == MAP_FAILED || !low)
		return map;
	if (__mmap(map + low, PROMISED, prot, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0) ==
	    MAP_FAILED) {
		__munmap(map, size);
		return MAP_FAILED;
	}
	return map;
}
