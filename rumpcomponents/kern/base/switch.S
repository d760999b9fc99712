/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Switching stacks.  A voluntary switch keeps what a function call must:
 * rbx, rbp, r12-r15, and the control words of the vector and x87 units.
 * Those are loaded only if they differ, being slow and nearly always the same.
 */
#define L_RSP 32 /* checked in lwp.c */

	.cfi_sections .debug_frame /* for debuggers; no bytes in an image */

	.section .text.cpu_switchto, "ax", @progbits
/* struct lwp *cpu_switchto(struct lwp *old, struct lwp *new): returns, on new's stack, old. */
	.weak cpu_switchto
	.globl cpu_switchto_plain
	.type cpu_switchto, @function
	.type cpu_switchto_plain, @function
cpu_switchto_plain:
cpu_switchto:
	.cfi_startproc
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	sub $8, %rsp
	.cfi_def_cfa_offset 64
	.cfi_offset rbp, -16
	.cfi_offset rbx, -24
	.cfi_offset r12, -32
	.cfi_offset r13, -40
	.cfi_offset r14, -48
	.cfi_offset r15, -56
	stmxcsr (%rsp)
	fnstcw 4(%rsp)
	movw $0, 6(%rsp)
	mov (%rsp), %rdx
	mov %rdi, %rax
	mov %rsp, L_RSP(%rdi)
	mov L_RSP(%rsi), %rsp
	cmp (%rsp), %rdx
	je 1f
	ldmxcsr (%rsp)
	fldcw 4(%rsp)
1:	add $8, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.cfi_endproc
	.size cpu_switchto, . - cpu_switchto

	.section .text.cpu_lwp_trampoline, "ax", @progbits
/* An lwp's first instructions: rax = previous lwp, rbx(r12) to be called. */
	.globl cpu_lwp_trampoline
	.type cpu_lwp_trampoline, @function
cpu_lwp_trampoline:
	.cfi_startproc
	.cfi_undefined rip
	mov %rax, %rdi
	call lwp_startup
	mov %r12, %rdi
	call *%rbx
	call lwp_exit
	.cfi_endproc
	.size cpu_lwp_trampoline, . - cpu_lwp_trampoline

	.section .text.cpu_enter_program, "ax", @progbits
/* void cpu_enter_program(uintptr_t pc, uintptr_t sp, uintptr_t arg) */
	.globl cpu_enter_program
	.type cpu_enter_program, @function
cpu_enter_program:
	mov %rdi, %rax
	mov %rsi, %rsp
	mov %rdx, %rdi
	xor %edx, %edx
	xor %esi, %esi
	xor %ebp, %ebp
	xor %ebx, %ebx
	xor %ecx, %ecx
	jmp *%rax
	.size cpu_enter_program, . - cpu_enter_program

	.section .note.GNU-stack, "", @progbits
