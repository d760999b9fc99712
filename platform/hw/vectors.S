/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vectors.S - entry and exit of interrupts and traps.
 *
 * Every gate goes to a stack of the IST, so that the interrupted stack, which
 * may be tiny or in use below its pointer, is never touched.  Interrupts stay
 * there; a trap, or a preemption after an interrupt, has its frame moved to
 * the kernel stack of the current lwp (rumpuser.h, STACKS).  The machine's
 * interrupts are off until the frame has been moved, which is what makes one
 * trap stack per CPU enough.
 */
#include "frame.h"
#include "hw.h"

/* NMI, double fault, machine check */
#define FATAL_TRAPS (1 << 2 | 1 << 8 | 1 << 18)

	.section .text.hw_vectors, "ax"
/*
 * Exceptions 0..31, HW_STUB_SIZE bytes each.  Those without an error code take
 * the way by 1:, which makes room for it below the exception's number.
 */
	.globl hw_trap_vectors
hw_trap_vectors:
	.set n, 0
	.rept 32
	pushq $n
	.if n == 8 || (n >= 10 && n <= 14) || n == 17 || n == 21 || n == 29 || n == 30
	jmp hw_trap_entry
	.else
	jmp 1f
	.endif
	.set n, n + 1
	.endr
1:	pushq (%rsp)
	movq $0, 8(%rsp)
hw_trap_entry:
	pushq $0
	SAVE_REGS
	movq %cr2, %rax
	movq %rax, TF_ADDR(%rsp)
	movl TF_TRAPNO(%rsp), %ecx
	movl $FATAL_TRAPS, %eax
	xorl %esi, %esi
	btl %ecx, %eax
	jc hw_fatal_entry
	/* On the interrupt stack there is nothing to go back to. */
	movq %gs:HW_CPU_PLATFORM, %rcx
	subq TF_RSP(%rsp), %rcx
	cmpq $HW_ISTACK_SIZE, %rcx
	jb hw_nested
	MOVE_FRAME
	testl $0x200, TF_RFLAGS(%rsp)
	jz 2f
	sti
2:	FRAME_CFI
	movq %rsp, %rdi
	call rumpkern_trap
	jmp hw_resume
	.cfi_endproc
hw_nested:
	incl %esi
hw_overflow:
	incl %esi
hw_fatal_entry:
	movq %rsp, %rdi
	movq %gs:HW_CPU_PLATFORM, %rax
	leaq HW_CPU_SIZE(%rax), %rsp
	xorl %ebp, %ebp
	call hw_fatal

/*
 * Interrupts; the irq number is kept where err will be.  The lower half is too
 * far away for a short jump, and goes by the middle.
 */
	.globl hw_intr_vectors
hw_intr_vectors:
	.set n, 0
	.rept HW_NIRQS / 2
	pushq $n
	jmp 1f
	.set n, n + 1
	.endr
1:	jmp.d32 hw_intr_entry
	.skip HW_STUB_GAP - 5, 0x90
	.rept HW_NIRQS / 2
	pushq $n
	jmp hw_intr_entry
	.set n, n + 1
	.endr
hw_intr_entry:
	pushq $RUMPUSER_TRAPNO_INTR
	pushq $0
	SAVE_REGS
	xorl %edi, %edi
	xchgq TF_ERR(%rsp), %rdi
	movq %rsp, %rsi
	xorl %ebp, %ebp
	subq $8, %rsp
	FRAME_CFI 8
	call hw_intr
	addq $8, %rsp
	.cfi_endproc
	testb %al, %al
	jnz 2f
hw_resume:
	movq $HW_SEL_DATA, TF_SS(%rsp) /* it was null if we came from a handler */
	RESUME
2:	MOVE_FRAME
	sti
	FRAME_CFI
	movq %rsp, %rdi
	call rumpkern_preempt
3:	cli
	cmpq $0, %gs:RUMPUSER_CPU_IPENDING
	jne 4f
	decl %gs:RUMPUSER_CPU_ILEVEL
	jmp hw_resume
4:	sti
	call rumpkern_replay
	jmp 3b
	.cfi_endproc

/* An additional CPU, in long mode but on no stack of its own: see ap.c. */
	.section .text.hw_ap_entry, "ax"
	.globl hw_ap_entry
hw_ap_entry:
	movq hw_ap_stack(%rip), %rsp
	xorl %ebp, %ebp
	pushq $0
	jmp hw_ap_main

/*
 * The trampoline: copied to a page below 1 MiB, entered in real mode at its
 * first byte, and patched there by sipi.c: the three words at hw_tramp_*.
 */
	.section .rodata.hw_trampoline, "a"
	.code16
	.balign 8
	.globl hw_trampoline, hw_trampoline_end, hw_tramp_gdtr, hw_tramp_cr3, hw_tramp_efer, hw_tramp_cr4, hw_tramp_entry, hw_tramp_far
hw_trampoline:
	cli
	movw %cs, %ax
	movw %ax, %ds
	lgdtl hw_tramp_gdtr - hw_trampoline
	movl hw_tramp_cr4 - hw_trampoline, %eax
	movl %eax, %cr4
	movl hw_tramp_cr3 - hw_trampoline, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx
	movl hw_tramp_efer - hw_trampoline, %eax
	xorl %edx, %edx
	wrmsr
	movl $HW_CR0_BITS, %eax
	movl %eax, %cr0
	ljmpl *hw_tramp_far - hw_trampoline
	.code64
hw_tramp_64:
	movl $HW_SEL_DATA, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	jmp *hw_tramp_entry(%rip)
	.balign 8
hw_tramp_gdt:
	.quad 0
	.quad HW_DESC_CODE
	.quad HW_DESC_DATA
hw_tramp_gdtr:
	.word 23
	.long hw_tramp_gdt - hw_trampoline /* + page */
hw_tramp_far:
	.long hw_tramp_64 - hw_trampoline /* + page */
	.word HW_SEL_CODE
hw_tramp_cr3:
	.long 0
hw_tramp_cr4:
	.long 0
hw_tramp_efer:
	.long 0
	.balign 8
hw_tramp_entry:
	.quad 0
hw_trampoline_end:

	.section .note.GNU-stack, "", @progbits
