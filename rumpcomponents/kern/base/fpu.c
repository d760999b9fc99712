/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vector and x87 state.  The kernel does not use these registers, so they need
 * saving only when program code was interrupted (l_fpulive) and its lwp is then
 * switched away from.  XSAVE if the platform has turned it on, else FXSAVE.
 * XSAVE proper, not XSAVEOPT: the area may be looked at by signal delivery.
 */
#include "base_impl.h"

#define FXSAVE_SIZE 512
#define OSXSAVE (1U << 27)

uint32_t cpu_fpu_size = FXSAVE_SIZE;
static uint64_t xsave_mask; /* 0: FXSAVE */

void cpu_fpu_init(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (!(c & OSXSAVE))
		return;
	__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	xsave_mask = (uint64_t)d << 32 | a;
	a = 0xd;
	c = 0;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	cpu_fpu_size = ROUNDUP(b, 64);
}

void cpu_fpu_save(struct lwp *l)
{
	if (xsave_mask == 0)
		__asm__ volatile("fxsave64 (%0)" ::"r"(l->l_fpu) : "memory");
	else
		__asm__ volatile("xsave64 (%0)" ::"r"(l->l_fpu), "a"((uint32_t)xsave_mask),
		    "d"((uint32_t)(xsave_mask >> 32)) : "memory");
}

void cpu_fpu_restore(struct lwp *l)
{
	if (xsave_mask == 0)
		__asm__ volatile("fxrstor64 (%0)" ::"r"(l->l_fpu) : "memory");
	else
		__asm__ volatile("xrstor64 (%0)" ::"r"(l->l_fpu), "a"((uint32_t)xsave_mask),
		    "d"((uint32_t)(xsave_mask >> 32)) : "memory");
}
