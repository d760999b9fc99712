/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry stubs that can be traced; they replace kern/syscall's.  All go by strace_call, which has the
 * address of the call in rax.  A LEAF call stays one while nothing is traced.
 */
#ifndef STUB_H
#define STUB_H

#include <kern/syscallstub.h>

	.macro sys_traced function, name
	sys_enter \name
	lea \function(%rip), %rax
	call strace_call
	jmp syscall_exit
	.endm

	.macro SYSCALL_STD_ number, name
	sys_begin .globl, \number, \name
	sys_traced do_sys_\name, \name
	sys_end \number, \name
	.endm

	.macro SYSCALL_LEAF_ number, name
	sys_begin .globl, \number, \name
	cmpl $0, strace_mode(%rip)
	je do_sys_\name
	sys_traced do_sys_\name, \name
	sys_end \number, \name
	.endm

	.macro SYSCALL_UNIMPL_ number, name
	sys_begin .globl, \number, \name
	sys_traced strace_unimplemented, \name
	sys_end \number, \name
	.endm

#define SYSCALL_STD(number, name) SYSCALL_STD_ number, name
#define SYSCALL_LEAF(number, name) SYSCALL_LEAF_ number, name
#define SYSCALL_UNIMPL(number, name) SYSCALL_UNIMPL_ number, name

#endif
