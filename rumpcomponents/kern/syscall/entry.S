/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The common way out of system calls, resuming a trap frame, and calls by
 * number.  <kern/syscallframe.h> explains the whole.
 */
#include "stub.h"

#define LW_NONE 0
#define TF_CS (19 * 8) /* checked in syscall.c */
#define TF_SS (22 * 8)
#define ERESTART 512

/*
 * From a stub: result in rax, rbp = program's frame, struct syscallframe on top
 * of the (kernel) stack.  syscall_preempted() knows these labels.
 */
	.section .text.syscall_exit, "ax", @progbits
	.globl syscall_exit, syscall_exit_end
	.type syscall_exit, @function
syscall_exit:
	.cfi_startproc
	.cfi_def_cfa rbp, 16
	.cfi_offset rbp, -16
	mov %gs:RUMPUSER_CPU_CURLWP, %rcx
	cmpl $LW_NONE, (%rcx)
	jne 1f
	cmp $-ERESTART, %rax
	je 1f
	leave
	ret
syscall_exit_end:
	/* Make a struct rumpuser_trapframe, highest word first. */
1:	lea 16(%rbp), %rdx
	mov %rsp, %rsi
	sub $8, %rsp
	mov %ss, %ecx
	push %rcx
	push %rdx
	pushf
	mov %cs, %ecx
	push %rcx
	push 8(%rbp)
	push $0
	push $RUMPUSER_TRAPNO_INTR
	push $0
	push %rax
	push %rbx
	push $0
	push $0
	push $0
	push $0
	push (%rbp)
	push $0
	push $0
	push $0
	push $0
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, %rdi
	call syscall_userret
	mov %rsp, %rdi
	/* falls through */
	.cfi_endproc
	.size syscall_exit, . - syscall_exit

	.globl syscall_resume
	.type syscall_resume, @function
syscall_resume:
	mov %cs, %eax
	mov %eax, TF_CS(%rdi)
	mov %ss, %eax
	mov %eax, TF_SS(%rdi)
	mov %rdi, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rbp
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rbx
	pop %rax
	add $24, %rsp
	iretq
	.size syscall_resume, . - syscall_resume

/*
 * sys_indirect(number, a, b, c, d, e, f): the stub's address is looked up, its
 * arguments moved down by one, and it is entered as if called directly.  If there is
 * none, the number is named on the kernel stack, as other calls that are missing.
 */
	.section .text.sys_indirect, "ax", @progbits
	.globl sys_indirect
	.type sys_indirect, @function
sys_indirect:
	push %rbp
	mov %rsp, %rbp
	push %rsi
	push %rdx
	push %rcx
	push %r8
	push %r9
	push %rdi
	call syscall_lookup
	pop %rdi
	pop %r8
	pop %rcx
	pop %rdx
	pop %rsi
	pop %r9
	/* now: r9 = a, rsi = b, rdx = c, rcx = d, r8 = e */
	test %rax, %rax
	jz 1f
	xchg %r9, %rdi
	mov 16(%rbp), %r9
	pop %rbp
	jmp *%rax
1:	pop %rbp
	jmp sys_unknown
	.balign 4
	.long -1
sys_unknown:
	.cfi_startproc
	sys_std syscall_unknown, unknown
	.cfi_endproc
	.size sys_indirect, . - sys_indirect

	.section .note.GNU-stack, "", @progbits
