/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a stub: rax = the call's function, its arguments in their registers, struct syscallframe
 * above the return address.
 */
	.cfi_sections .debug_frame
	.section .text.strace_call, "ax", @progbits
	.globl strace_call
	.type strace_call, @function
strace_call:
	.cfi_startproc
	cmpl $0, strace_mode(%rip)
	jne 1f
	jmp *%rax
1:	mov %rax, %rdi
	lea 8(%rsp), %rsi
	jmp strace_traced
	.cfi_endproc
	.size strace_call, . - strace_call

	.section .note.GNU-stack, "", @progbits
