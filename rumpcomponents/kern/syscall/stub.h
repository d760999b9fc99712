/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry stubs.  Each has a section of its own, so that an image holds only those
 * that the program can reach.
 *
 * A stub may be preempted, and its lwp moved to another CPU, before any
 * instruction: each %gs access is a single load of something that moves with the
 * lwp.  The frame it builds is struct syscallframe, see <kern/syscallframe.h>.
 *
 * .kiln.sysent.* collects number and address of the stubs that are in the image, for
 * sys_indirect().  SHF_LINK_ORDER ties an entry's life to that of its
 * stub, so the table keeps nothing in the image.
 */
#ifndef STUB_H
#define STUB_H

#include "rumpuser.h"

#define STRING_(x) #x
#define STRING(x) STRING_(x)

	/* For debuggers: backtraces go on from the kernel stack to the program's. */
	.cfi_sections .debug_frame

	.macro sys_begin number, name
	.section .text.sys_\name, "ax", @progbits
	.balign 4
	.long \number
	.globl sys_\name
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

	.macro sys_std function, name
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
	call \function
#ifdef LOCKDEBUG
	push %rax
	sub $8, %rsp
	call lockdebug_userret
	add $8, %rsp
	pop %rax
#endif
	jmp syscall_exit
	.endm

	.macro SYSCALL_STD_ number, name
	sys_begin \number, \name
	sys_std do_sys_\name, \name
	sys_end \number, \name
	.endm

	/* A jump: to the backtrace and to the program it is one function. */
	.macro SYSCALL_LEAF_ number, name
	sys_begin \number, \name
	jmp do_sys_\name
	sys_end \number, \name
	.endm

	/* The name lies in a section that only its stub refers to. */
	.macro SYSCALL_UNIMPL_ number, name
	sys_begin \number, \name
	lea .Lname_\name(%rip), %rdi
	sys_std syscall_unimplemented, \name
	sys_end \number, \name
	.section .rodata.sys_\name, "a", @progbits
.Lname_\name:
	.asciz "\name"
	.endm

#define SYSCALL_STD(number, name) SYSCALL_STD_ number, name
#define SYSCALL_LEAF(number, name) SYSCALL_LEAF_ number, name
#define SYSCALL_UNIMPL(number, name) SYSCALL_UNIMPL_ number, name

#endif
