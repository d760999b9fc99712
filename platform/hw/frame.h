/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame.h - struct rumpuser_trapframe for assembly: making one, and moving it to the kernel stack.
 */
#ifndef HW_FRAME_H
#define HW_FRAME_H

#include <rumpuser.h>

/* struct rumpuser_trapframe */
#define TF_SIZE 184
#define TF_ADDR 120
#define TF_TRAPNO 128
#define TF_ERR 136
#define TF_RIP 144
#define TF_CS 152
#define TF_RFLAGS 160
#define TF_RSP 168
#define TF_SS 176

/*
 * For debuggers: here the frame is at \at(%rsp), and what it describes is the caller.
 * The information goes into .debug_frame, of which an image has no bytes.
 */
	.cfi_sections .debug_frame
	.macro FRAME_CFI at=0
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_def_cfa rsp, TF_SIZE + \at
	.cfi_offset r15, 0 - TF_SIZE
	.cfi_offset r14, 8 - TF_SIZE
	.cfi_offset r13, 16 - TF_SIZE
	.cfi_offset r12, 24 - TF_SIZE
	.cfi_offset r11, 32 - TF_SIZE
	.cfi_offset r10, 40 - TF_SIZE
	.cfi_offset r9, 48 - TF_SIZE
	.cfi_offset r8, 56 - TF_SIZE
	.cfi_offset rbp, 64 - TF_SIZE
	.cfi_offset rdi, 72 - TF_SIZE
	.cfi_offset rsi, 80 - TF_SIZE
	.cfi_offset rdx, 88 - TF_SIZE
	.cfi_offset rcx, 96 - TF_SIZE
	.cfi_offset rbx, 104 - TF_SIZE
	.cfi_offset rax, 112 - TF_SIZE
	.cfi_offset rip, TF_RIP - TF_SIZE
	.cfi_offset rsp, TF_RSP - TF_SIZE
	.endm

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
