/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory and the range of virtual addresses for the address-space
 * map.  Physical memory is a memfd: a page of it can be seen at several
 * virtual addresses, which is all that page tables are good for.  The host
 * gives real memory when a page is first touched, at random addresses.
 */
#include <linux/memfd.h>
#include <linux/mman.h>

#include "hosted.h"
#include "syscall.h"

#define VA_SIZE_MAX (256UL << 30)
#define VA_SIZE_MIN (64UL << 20)

int hosted_memfd;

static bool failed(long result)
{
	return result < 0 && result > -4096;
}

long hosted_mmap(uintptr_t addr, size_t len, unsigned prot, int flags, int fd, uint64_t off)
{
	return host_syscall6(__NR_mmap, (long)addr, (long)len, prot, flags, fd, (long)off);
}

void hosted_memory_init(struct rumpuser_bootinfo *info, struct rumpuser_memregion *region)
{
	uint64_t size = hosted_config.memory;
	size_t va_size;
	long base, va;

	hosted_memfd = (int)host_syscall3(__NR_memfd_create, (long)"kiln", MFD_CLOEXEC, 0);
	if (hosted_memfd < 0)
		hosted_die("memfd_create failed", hosted_memfd);
	base = host_syscall3(__NR_ftruncate, hosted_memfd, (long)size, 0);
	if (base != 0)
		hosted_die("cannot size the machine's memory (hosted.memory)", base);
	base = hosted_mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, hosted_memfd, 0);
	if (failed(base))
		hosted_die("cannot map the machine's memory (hosted.memory)", base);
	/* An address-space limit (ulimit -v) makes do with less. */
	for (va_size = VA_SIZE_MAX;; va_size /= 2) {
		va = hosted_mmap(0, va_size, 0, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (!failed(va))
			break;
		if (va_size <= VA_SIZE_MIN)
			hosted_die("cannot reserve virtual addresses", va);
	}
	*region = (struct rumpuser_memregion){.pa = HOSTED_PA_BASE, .size = size};
	info->mem = region;
	info->nmem = 1;
	info->physmap = (uintptr_t)base - HOSTED_PA_BASE;
	info->va_lo = (uintptr_t)va;
	info->va_hi = (uintptr_t)va + va_size;
	hosted_pmap_init(info->va_lo, info->va_hi);
	hosted_physmap = info->physmap;
}
