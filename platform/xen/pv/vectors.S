/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vectors.S - kernel mode (pv.h), and the ways in and out of it.
 *
 * It begins at the top of the CPU's interrupt stack, with what create_bounce_frame of Xen pushes: rcx, r11, an
 * error code if the trap has one, rip, cs (in whose upper half is Xen's note of the event mask), rflags, rsp, ss.
 * It ends with the hypercall iret, which restores the event mask from rflags' interrupt flag.
 */
#include "frame.h"
#include "hw.h"
#include "pv.h"

#define KSTACK_FRAME 40	   /* bytes from rip to the top of the stack */
#define IN_SYSCALL   0x100 /* VGCF_in_syscall: rcx and r11 need not be kept */
#define TRAP_ILLEGAL RUMPUSER_TRAPNO_ILLEGAL

/* Go to user mode at \at, on the stack as it is, with the event mask as \rflags says. */
	.macro LEAVE at, rflags
	leaq \at(%rip), %rcx
	movq %rsp, %rdx
	pushq $PV_SS
	pushq %rdx
	pushq \rflags
	pushq $PV_CS
	pushq %rcx
	pushq $IN_SYSCALL
	subq $24, %rsp
	movl $PV_HYPERCALL_IRET, %eax
	syscall
	.endm

	.section .text.pv_vectors, "ax"
/* pv_hypercall(op, a, b, c, d) */
	.globl xen_hypercall, pv_hypercall
xen_hypercall:
pv_hypercall:
	movl %edi, %eax
	movq %rsi, %rdi
	movq %rdx, %rsi
	movq %rcx, %rdx
	movq %r8, %r10
	syscall
hypercall_end:
	ret

/* syscall in user mode.  While the real one waits, an event finds our frame at the top of the stack. */
	.globl pv_syscall
pv_syscall:
	leaq hypercall_end(%rip), %rcx
	cmpq %rcx, 16(%rsp)
	jne 1f
	syscall
	subq $16, %rsp
	movq %rax, (%rsp)
	movq $IN_SYSCALL, 24(%rsp)
	movl $PV_HYPERCALL_IRET, %eax
	syscall
1:	popq %rcx
	popq %r11
	subq $2, (%rsp)
	pushq $0
	pushq $TRAP_ILLEGAL
	jmp trap_entry

/* Exceptions, PV_TRAP_STUB_SIZE bytes each. */
	.globl pv_traps, pv_failsafe
pv_traps:
	.set n, 0
	.rept PV_NTRAPS
	pushq $n
	.if n == 8 || (n >= 10 && n <= 14) || n == 17
	jmp 2f
	.else
	jmp 1f
	.endif
	.set n, n + 1
	.endr
pv_failsafe:
	ud2
1:	movq 8(%rsp), %rcx
	movq 16(%rsp), %r11
	popq (%rsp)
	movq $0, 8(%rsp)
	jmp trap_entry
2:	movq 8(%rsp), %rcx
	movq 16(%rsp), %r11
	popq 8(%rsp)
	addq $8, %rsp
trap_entry:
	pushq $0
	SAVE_REGS
	xorl %esi, %esi
	movq %gs:HW_CPU_PLATFORM, %rbx
	cmpl $RUMPUSER_TRAPNO_PAGE, TF_TRAPNO(%rsp)
	jne 1f
	movq PV_VCPU_CR2(%rbx), %rax
	movq %rax, TF_ADDR(%rsp)
	andb $~4, TF_ERR(%rsp) /* all of us is the system, not the user */
1:	testb $3, TF_CS(%rsp)
	jz hw_nested
	movzwl TF_CS(%rsp), %eax
	movq %rax, TF_CS(%rsp)
	MOVE_FRAME
	movl $0x200, %eax
	andl TF_RFLAGS(%rsp), %eax
	LEAVE trap_continue, %rax
hw_nested:
	incl %esi
hw_overflow:
	incl %esi
	movq %rsp, %rdi
	movq %gs:HW_CPU_PLATFORM, %rsp
	addq $HW_CPU_SIZE, %rsp
	xorl %ebp, %ebp
	call pv_fatal

/* User mode, on the kernel stack. */
trap_continue:
	movq %rsp, %rdi
	call rumpkern_trap
	RESUME

	.globl pv_event
pv_event:
	popq %rcx
	popq %r11
	testb $3, 8(%rsp)
	jz waited
event_frame:
	pushq $0
	pushq $RUMPUSER_TRAPNO_INTR
	pushq $0
	SAVE_REGS
	movzwl TF_CS(%rsp), %eax
	movq %rax, TF_CS(%rsp)
	movq TF_RIP(%rsp), %rax
	leaq mask_begin(%rip), %rcx
	subq %rcx, %rax
	cmpq $mask_end - mask_begin, %rax
	jb in_mask
	subq $return_begin - mask_begin, %rax
	cmpq $return_end - return_begin, %rax
	jb in_return
deliver:
	movq %rsp, %rdi
	xorl %ebp, %ebp
	subq $8, %rsp
	call pv_upcall
	addq $8, %rsp
	testb %al, %al
	jnz preempt
	/* struct iret_context begins at rax: rax, r11, rcx, flags. */
	movq 32(%rsp), %rax
	movq %rax, TF_ADDR(%rsp)
	movq 96(%rsp), %rax
	movq %rax, TF_TRAPNO(%rsp)
	movq $0, TF_ERR(%rsp)
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	addq $8, %rsp
	popq %r10
	popq %r9
	popq %r8
	popq %rbp
	popq %rdi
	popq %rsi
	popq %rdx
	addq $8, %rsp
	popq %rbx
	movl $PV_HYPERCALL_IRET, %eax
	syscall
preempt:
	MOVE_FRAME
	LEAVE preempt_continue, $0x200
/* Kernel mode was interrupted, which waited for that: it is as if whom it served had been. */
waited:
	movq %gs:HW_CPU_PLATFORM, %rcx
	leaq -KSTACK_FRAME(%rcx), %rsp
	xorl %eax, %eax
	orl $0x200, 16(%rsp)
	jmp event_frame
/* Between finding out which CPU this is and masking its events: once more from the beginning. */
in_mask:
	movq %rcx, TF_RIP(%rsp)
	jmp deliver
/* On the way back from a preemption, events unmasked again: the frame there is what was interrupted. */
in_return:
	movq TF_RSP(%rsp), %rsi
	cmpq $return_iret - return_begin, %rax
	jne 1f
	subq $TF_RIP, %rsi
1:	movq %rsp, %rdi
	movl $TF_SIZE / 8, %ecx
	rep movsq
	jmp deliver

/* User mode, on the kernel stack, events unmasked. */
preempt_continue:
	movq %rsp, %rdi
	call rumpkern_preempt
1:	movq %gs:HW_CPU_PLATFORM, %rax /* ilevel is 1: we stay here */
	movb $1, PV_VCPU_MASK(%rax)
	cmpq $0, %gs:RUMPUSER_CPU_IPENDING
	jne 3f
	decl %gs:RUMPUSER_CPU_ILEVEL
	movb $0, PV_VCPU_MASK(%rax)
return_begin:
	cmpb $0, PV_VCPU_PENDING(%rax)
	jne 2f
	movq (%rsp), %r15
	movq 8(%rsp), %r14
	movq 16(%rsp), %r13
	movq 24(%rsp), %r12
	movq 32(%rsp), %r11
	movq 40(%rsp), %r10
	movq 48(%rsp), %r9
	movq 56(%rsp), %r8
	movq 64(%rsp), %rbp
	movq 72(%rsp), %rdi
	movq 80(%rsp), %rsi
	movq 88(%rsp), %rdx
	movq 96(%rsp), %rcx
	movq 104(%rsp), %rbx
	movq 112(%rsp), %rax
	addq $TF_RIP, %rsp
return_iret:
	iretq
2:	movb $1, PV_VCPU_MASK(%rax)
return_end:
	incl %gs:RUMPUSER_CPU_ILEVEL
	call pv_poll
	jmp 1b
3:	movb $0, PV_VCPU_MASK(%rax)
	call rumpkern_replay
	/* What was noted meanwhile is seen when events are masked again. */
	movq %gs:HW_CPU_PLATFORM, %rax
	movb $1, PV_VCPU_MASK(%rax)
	call pv_poll
	jmp 1b

/* Mask events; what it was goes to hw_irq_restore(). */
	.globl hw_irq_save, hw_irq_restore
hw_irq_save:
mask_begin:
	movq %gs:HW_CPU_PLATFORM, %rdx
	movzbl PV_VCPU_MASK(%rdx), %eax
	movb $1, PV_VCPU_MASK(%rdx)
mask_end:
	ret

hw_irq_restore:
	testl %edi, %edi
	jnz 1f
	movq %gs:HW_CPU_PLATFORM, %rdx
	movb $0, PV_VCPU_MASK(%rdx)
	cmpb $0, PV_VCPU_PENDING(%rdx)
	je 1f
	/* It came while masked: any hypercall delivers it. */
	movl $PV_HYPERCALL_VERSION, %edi
	xorl %esi, %esi
	jmp pv_hypercall
1:	ret

/* Continue in user mode, events masked. */
	.globl pv_enter_user
pv_enter_user:
	popq %r8
	LEAVE 1f, $0
1:	jmp *%r8

/* Where VCPUOP_initialise has another CPU begin; %rdi its struct hw_cpu. */
	.globl pv_ap_entry
pv_ap_entry:
	xorl %ebp, %ebp
	call pv_ap_main

	.section .note.GNU-stack, "", @progbits
