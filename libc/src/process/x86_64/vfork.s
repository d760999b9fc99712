/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pid_t vfork(void): it returns twice, on one stack.
 *
 * A system call is a function call, and its child has no frame to return to.  So the kernel
 * starts the child at `child`, with the address of what is saved here, which it loads and returns
 * with.  From then on the child writes over all that lies below its caller's frame;
 * the kernel puts that back, up to and including the return address, before the parent
 * goes on: 80 bytes from where the call's stub has saved rbp.
 */
	.section .text.vfork,"ax",@progbits
	.global vfork
	.type vfork,@function
vfork:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	lea child(%rip),%rdi
	mov %rsp,%rsi
	mov $80,%edx
	sub $8,%rsp
	.hidden sys_kiln_vfork
	call sys_kiln_vfork
	add $8,%rsp
	mov %rax,%rdi
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	.hidden __syscall_ret
	jmp __syscall_ret
child:
	mov %rdi,%rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	xor %eax,%eax
	ret
	.size vfork,.-vfork
