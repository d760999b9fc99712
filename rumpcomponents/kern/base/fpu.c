/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vector and x87 state.  The kernel does not use these registers, so they need
 * saving only when program code was interrupted (l_fpulive) and its lwp is then
 * switched away from.  XSAVE if the platform has turned it on, else FXSAVE.
 * XSAVE proper, not XSAVEOPT: the area may be looked at by signal delivery.
 */
#include "base_impl.h"

#define FXSAVE_SIZE    512
#define XSAVE_SSE_SIZE 576
#define XSAVE_AVX_SIZE 832
#define OSXSAVE	       (1U << 27)

uint32_t cpu_fpu_size = FXSAVE_SIZE;
static bool xsave;
static uint64_t features; /* state components that are saved */

void cpu_fpu_init(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (!(c & OSXSAVE))
		return;
	a = 0xd;
	c = 0;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	cpu_fpu_size = ROUNDUP(b, 64); /* of what XCR0 enables */
	/* XGETBV would say, but some nested hypervisors cannot do it. */
	features = b <= XSAVE_SSE_SIZE ? 3 : b <= XSAVE_AVX_SIZE ? 7 : (uint64_t)d << 32 | a;
	xsave = true;
}

void cpu_fpu_save(struct lwp *l)
{
	if (!xsave)
		__asm__ volatile("fxsave64 (%0)" ::"r"(l->l_fpu) : "memory");
	else
		__asm__ volatile("xsave64 (%0)" ::"r"(l->l_fpu), "a"(-1), "d"(-1) : "memory");
}

void cpu_fpu_restore(struct lwp *l)
{
	if (!xsave)
		__asm__ volatile("fxrstor64 (%0)" ::"r"(l->l_fpu) : "memory");
	else
		__asm__ volatile("xrstor64 (%0)" ::"r"(l->l_fpu), "a"(-1), "d"(-1) : "memory");
}

uint64_t cpu_fpu_mask(void)
{
	return features;
}
