/* SPDX-License-Identifier: BSD-2-Clause */
/* A piece of "program": uses vector registers, flags, the red zone and a stack of its own. */
unsigned long prog_spin(volatile unsigned *stop, void *small_stack_top);

/* 0 if nothing that belongs to the program changed while it ran. */
unsigned long prog_spin(volatile unsigned *stop, void *small_stack_top)
{
	unsigned long bad;

	__asm__ volatile(
	    "movq %%rsp, %%rbx\n\t"
	    "movq %1, %%rsp\n\t"
	    "movq $0x1122334455667788, %%rax\n\t"
	    "movq %%rax, %%xmm0\n\t"
	    "movq %%rax, %%xmm15\n\t"
	    "movq %%rax, -8(%%rsp)\n\t"
	    "movq %%rax, -128(%%rsp)\n\t"
	    "movl $200000, %%ecx\n\t"
	    "std\n\t"
	    "1: movq %%xmm0, %%rdx\n\t"
	    "movq %%rdx, %%xmm7\n\t"
	    "decl %%ecx\n\t"
	    "jnz 1b\n\t"
	    "pushfq\n\t"
	    "popq %%rsi\n\t"
	    "cld\n\t"
	    "xorq %%r8, %%r8\n\t"
	    "testq $0x400, %%rsi\n\t"
	    "setz %%r8b\n\t"
	    "movq %%xmm15, %%rdx\n\t"
	    "xorq %%rax, %%rdx\n\t"
	    "orq %%rdx, %%r8\n\t"
	    "movq %%xmm7, %%rdx\n\t"
	    "xorq %%rax, %%rdx\n\t"
	    "orq %%rdx, %%r8\n\t"
	    "movq -128(%%rsp), %%rdx\n\t"
	    "xorq %%rax, %%rdx\n\t"
	    "orq %%rdx, %%r8\n\t"
	    "movq %%rbx, %%rsp\n\t"
	    "movq %%r8, %0"
	    : "=r"(bad)
	    : "r"(small_stack_top)
	    : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "cc", "memory", "xmm0", "xmm7", "xmm15");
	return bad + (*stop != 0);
}
