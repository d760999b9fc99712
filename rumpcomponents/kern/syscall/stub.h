/* SPDX-License-Identifier: BSD-2-Clause */
/* Entry stubs: the three kinds of syscalls.master.  <kern/syscallstub.h> has what they share. */
#ifndef STUB_H
#define STUB_H

#include <kern/syscallstub.h>

	.macro sys_std function, name
	sys_enter \name
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
	sys_begin .weak, \number, \name
	sys_std do_sys_\name, \name
	sys_end \number, \name
	.endm

	/* A jump: to the backtrace and to the program it is one function. */
	.macro SYSCALL_LEAF_ number, name
	sys_begin .weak, \number, \name
	jmp do_sys_\name
	sys_end \number, \name
	.endm

	/* The name lies in a section that only its stub refers to, and is no call itself. */
	.macro SYSCALL_UNIMPL_ number, name
	sys_begin .weak, \number, \name
	lea .Lname_\name(%rip), %rdi
	sys_std syscall_unimplemented, \name
	sys_end \number, \name
	.section .rodata.name_of_\name, "a", @progbits
.Lname_\name:
	.asciz "\name"
	.endm

#define SYSCALL_STD(number, name) SYSCALL_STD_ number, name
#define SYSCALL_LEAF(number, name) SYSCALL_LEAF_ number, name
#define SYSCALL_UNIMPL(number, name) SYSCALL_UNIMPL_ number, name

#endif
