/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libkilnhost.a: sys_* that ask the build machine's Linux kernel, so that programs
 * linked while a configure script runs can be executed.  Same contract as
 * the stubs of an image: a C call, a result or a negative errno.
 */
	.macro host_begin name
	.section .text.sys_\name, "ax", @progbits
	.globl sys_\name
	.type sys_\name, @function
sys_\name:
	.endm

	.macro HOST_SYSCALL_ number, name
	host_begin \name
	mov %rcx, %r10
	mov $\number, %eax
	syscall
	ret
	.size sys_\name, . - sys_\name
	.endm

#define HOST_SYSCALL(number, name) HOST_SYSCALL_ number, name

	.macro HOST_UNIMPL_ number, name
	host_begin \name
	mov $-38, %rax	/* ENOSYS */
	ret
	.size sys_\name, . - sys_\name
	.endm

#define HOST_UNIMPL(number, name) HOST_UNIMPL_ number, name
