/* SPDX-License-Identifier: BSD-2-Clause */
#include "host_syscalls.inc"

#define SYS_CLONE 56
#define SYS_EXIT 60
#define SYS_MUNMAP 11

	/* (flags, stack, ptid, ctid, tls, entry): the child starts at entry(stack). */
	host_begin kiln_thread
	mov %rcx, %r10
	mov %r9, -8(%rsi)	/* below the child's stack pointer: it takes it from there */
	mov $SYS_CLONE, %eax
	syscall
	test %eax, %eax
	jz 1f
	ret
1:	xor %ebp, %ebp
	mov %rsp, %rdi
	jmp *-8(%rsp)
	.size sys_kiln_thread, . - sys_kiln_thread

	/* (entry, stack, keep): with a stack of its own only, as nobody puts back what a child does. */
	host_begin kiln_vfork
	mov $-38, %eax		/* ENOSYS */
	cltq
	test %edx, %edx
	jnz 1f
	mov %rdi, -8(%rsi)	/* below the child's stack pointer: it takes it from there */
	mov $0x4111, %edi	/* CLONE_VM | CLONE_VFORK | SIGCHLD */
	xor %r10d, %r10d
	xor %r8d, %r8d
	mov $SYS_CLONE, %eax
	syscall
	test %eax, %eax
	jnz 1f
	xor %ebp, %ebp
	mov %rsp, %rdi
	jmp *-8(%rsp)
1:	ret
	.size sys_kiln_vfork, . - sys_kiln_vfork

	/* (base, length) */
	host_begin kiln_unmapself
	mov $SYS_MUNMAP, %eax
	syscall
	xor %edi, %edi
	mov $SYS_EXIT, %eax
	syscall
	ud2
	.size sys_kiln_unmapself, . - sys_kiln_unmapself

	/* Linux has no such latch: a request that comes at that moment waits. */
	host_begin kiln_cancel
	xor %eax, %eax
	ret
	.size sys_kiln_cancel, . - sys_kiln_cancel

	/* (number, a, b, c, d, e, f) */
	host_begin indirect
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsi
	mov %rcx, %rdx
	mov %r8, %r10
	mov %r9, %r8
	mov 8(%rsp), %r9
	syscall
	ret
	.size sys_indirect, . - sys_indirect

	.section .note.GNU-stack, "", @progbits
