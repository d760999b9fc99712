/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry of the process, of threads and of what signal handlers redirect to.
 *
 * hosted_trap_entry and hosted_preempt_entry run on the kernel stack of the
 * interrupted lwp, with RSP at a struct rumpuser_trapframe, 16-byte aligned.
 * They got there by the host's sigreturn, so the signal mask is that of normal
 * running and the vector registers are still the interrupted code's.  iretq
 * ends both: in ring 3 it pops the same five words as in ring 0.
 */
#include <framecfi.h>
#include <rumpuser.h>

	.text

	.globl __kiln_hosted_start
	.type __kiln_hosted_start, @function
__kiln_hosted_start:
	xorl %ebp, %ebp
	movq %rsp, %rbx
	andq $-16, %rsp
	leaq __ehdr_start(%rip), %rdi
	leaq _DYNAMIC(%rip), %rsi
	call hosted_relocate
	movq %rbx, %rdi
	call hosted_boot
	ud2
	.size __kiln_hosted_start, . - __kiln_hosted_start

	.globl __restore_rt
	.type __restore_rt, @function
__restore_rt:
	movl $15, %eax		/* rt_sigreturn */
	syscall
	.size __restore_rt, . - __restore_rt

	.globl hosted_preempt_entry
	.type hosted_preempt_entry, @function
hosted_preempt_entry:
	FRAME_CFI
	movq %rsp, %rdi
	call rumpkern_preempt
2:	decl %gs:RUMPUSER_CPU_ILEVEL
	cmpq $0, %gs:RUMPUSER_CPU_IPENDING
	je 1f
	incl %gs:RUMPUSER_CPU_ILEVEL
	call rumpkern_replay
	jmp 2b
	.globl hosted_trap_entry
	.type hosted_trap_entry, @function
hosted_trap_entry:
	movq %rsp, %rdi
	call rumpkern_trap
1:	popq %r15
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
	addq $24, %rsp		/* addr, trapno, err */
	iretq
	.cfi_endproc
	.size hosted_preempt_entry, . - hosted_preempt_entry

/*
 * Between _begin and _end a signal handler moves the instruction pointer to
 * _end: a signal after the comparison cannot be slept through.
 */
	.globl hosted_wait, hosted_wait_begin, hosted_wait_end
	.type hosted_wait, @function
hosted_wait:
	movq %rdi, %r9
	xorl %edi, %edi
	xorl %esi, %esi
	xorl %edx, %edx
	xorl %r10d, %r10d
	movl $271, %eax		/* ppoll(NULL, 0, NULL, NULL) */
hosted_wait_begin:
	cmpq $0, (%r9)
	jne hosted_wait_end
	syscall
hosted_wait_end:
	ret
	.size hosted_wait, . - hosted_wait

	.globl hosted_clone
	.type hosted_clone, @function
hosted_clone:
	movq %rdx, %r8
	movq %rcx, %r9
	xorl %edx, %edx
	xorl %r10d, %r10d
	movl $56, %eax		/* clone */
	syscall
	testq %rax, %rax
	jnz 1f
	xorl %ebp, %ebp
	movq %r9, %rdi
	call *%r8
	ud2
1:	ret
	.size hosted_clone, . - hosted_clone

	.globl hosted_enter
	.type hosted_enter, @function
hosted_enter:
	movq %rsi, %rsp
	andq $-16, %rsp
	xorl %ebp, %ebp
	call rumpkern_cpu_main
	ud2
	.size hosted_enter, . - hosted_enter

	.section .note.GNU-stack, "", @progbits
