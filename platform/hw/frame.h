/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame.h - struct rumpuser_trapframe for assembly: making one, and moving it to the kernel stack.
 */
#ifndef HW_FRAME_H
#define HW_FRAME_H

#include <rumpuser.h>
#include <framecfi.h>

/* What a handler may need of a kernel stack at the least. */
#define KSTACK_ROOM 768

	.macro SAVE_REGS
	pushq %rax
	pushq %rbx
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %rbp
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	.endm

/* Go on where the frame at %rsp says. */
	.macro RESUME
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rbp
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rbx
	popq %rax
	addq $24, %rsp
	iretq
	.endm

/*
 * Move the frame at %rsp to the kernel stack and go there.  A stack pointer
 * within the stack or on its guard page is the kernel's own, any other is the
 * program's.
 */
	.macro MOVE_FRAME
	movq TF_RSP(%rsp), %rdx
	movq %gs:RUMPUSER_CPU_KSTACK_BASE, %rbx
	movq %gs:RUMPUSER_CPU_KSTACK_TOP, %rcx
	cmpq %rcx, %rdx
	ja 1f
	leaq -4096(%rbx), %rsi
	cmpq %rsi, %rdx
	jb 1f
	leaq -128(%rdx), %rcx
1:	subq $TF_SIZE, %rcx
	andq $-16, %rcx
	addq $KSTACK_ROOM, %rbx
	cmpq %rbx, %rcx
	movl $0, %esi
	jb hw_overflow
	movq %rcx, %rdx
	movq %rsp, %rsi
	movq %rdx, %rdi
	movl $TF_SIZE / 8, %ecx
	rep movsq
	movq %rdx, %rsp
	.endm

#endif
