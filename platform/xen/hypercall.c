/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hypercall.c - calling Xen, by the page of instructions that it provides, since they differ
 * between processors (public/arch-x86/cpuid.h, leaf 3; public/arch-x86/xen-x86_64.h).
 */
#include "xen_impl.h"

#include <xen/arch-x86/cpuid.h>

#define ENTRY_SIZE 32
#define LAST_BASE  0x40010000 /* leaves of other interfaces that Xen offers may come first */

static const char *page; /* NULL: not a guest of Xen */

long xen_hypercall(unsigned op, uintptr_t a, uintptr_t b, uintptr_t c)
{
	const char *entry = page + op * ENTRY_SIZE;
	long result;

	__asm__ volatile("call *%4"
			 : "=a"(result), "+D"(a), "+S"(b), "+d"(c)
			 : "r"(entry)
			 : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
	return result;
}

uint32_t xen_cpuid_base(void)
{
	struct hw_cpuid r;
	uint32_t base;

	for (base = XEN_CPUID_FIRST_LEAF; hw_features.hypervisor && base < LAST_BASE;
	     base += 0x100) {
		r = hw_cpuid(base, 0);
		if (r.b == XEN_CPUID_SIGNATURE_EBX && r.c == XEN_CPUID_SIGNATURE_ECX &&
		    r.d == XEN_CPUID_SIGNATURE_EDX)
			return base;
	}
	return 0;
}

bool xen_hypercall_init(void)
{
	uint32_t base = xen_cpuid_base();
	struct hw_cpuid r;
	uint64_t pa;

	if (base == 0)
		return false;
	r = hw_cpuid(base + 2, 0);
	pa = hw_mem_alloc(1);
	if (r.a == 0 || pa == 0)
		return false;
	hw_wrmsr(r.b, pa);
	/* Executable nowhere but in the window, where nobody can write it. */
	if (rumpuser_pmap_protect((uintptr_t)hw_phys(pa), 1, RUMPUSER_PROT_READ) == 0)
		page =
		    hw_window_map(pa, RUMPUSER_PAGE_SIZE, RUMPUSER_PROT_READ | RUMPUSER_PROT_EXEC);
	return page != NULL;
}
