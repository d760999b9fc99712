/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xstate.c - what a CPU is to let programs do: vector registers, and the instructions for FS.
 */
#include "hw.h"

#define CR4_FSGSBASE (1ULL << 16)
#define CR4_OSXSAVE  (1ULL << 18)
#define XCR0_X87_SSE 3U
#define XCR0_AVX     4U
#define XCR0_AVX512  0xe0U

void hw_control_registers(void)
{
	uint32_t have, want = XCR0_X87_SSE;
	uint64_t cr4 = hw_read_cr4();

	if (hw_features.fsgsbase)
		cr4 |= CR4_FSGSBASE;
	if (hw_features.xsave)
		cr4 |= CR4_OSXSAVE;
	hw_write_cr4(cr4);
	__asm__ volatile("fninit"); /* what the ABI starts programs with; MXCSR is so already */
	if (!hw_features.xsave)
		return;
	have = hw_cpuid(0xd, 0).a;
	want |= have & XCR0_AVX;
	if ((want & XCR0_AVX) && (have & XCR0_AVX512) == XCR0_AVX512)
		want |= XCR0_AVX512;
	__asm__ volatile("xsetbv" : : "c"(0), "a"(want), "d"(0));
}
