/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assembly macros that entry stubs are made of.  Each stub has a section of its own, so that an
 * image holds only those that the program can reach.
 *
 * A stub may be preempted, and its lwp moved to another CPU, before any
 * instruction: each %gs access is a single load of something that moves with the
 * lwp.  The frame it builds is struct syscallframe, see <kern/syscallframe.h>.
 *
 * .kiln.sysent.* collects number and address of the stubs that are in the image, for
 * sys_indirect().  SHF_LINK_ORDER ties an entry's life to that of its
 * stub, so the table keeps nothing in the image.
 *
 * kern/syscall's stubs are weak: a component that exists only if it is asked for (kern/strace) may
 * bring others.
 */
#ifndef KERN_SYSCALLSTUB_H
#define KERN_SYSCALLSTUB_H

#include "rumpuser.h"

	/* For debuggers: backtraces go on from the kernel stack to the program's. */
	.cfi_sections .debug_frame

	.macro sys_begin binding, number, name
	.section .text.sys_\name, "ax", @progbits
	.balign 4
	.long \number
	\binding sys_\name
	.type sys_\name, @function
sys_\name:
	.cfi_startproc
	.endm

	.macro sys_end number, name
	.cfi_endproc
	.size sys_\name, . - sys_\name
	.section .kiln.sysent.sys_\name, "ao", @progbits, .text.sys_\name
	.balign 4
	.long sys_\name - .
	.long \number
	.endm

	/* To the kernel stack, with the frame on it; the arguments stay in their registers. */
	.macro sys_enter name
	push %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset rbp, -16
	mov %rsp, %rbp
	.cfi_def_cfa_register rbp
	mov %gs:RUMPUSER_CPU_KSTACK_TOP, %rsp
	push %r9
	push %r8
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %rbp
	lea sys_\name(%rip), %rax
	push %rax
	.endm

#endif
