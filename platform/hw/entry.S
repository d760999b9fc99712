/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.S - from the boot loader's 32-bit state to hw_main().
 *
 * PVH (Xen's docs/misc/pvh.pandoc) and multiboot2 (3.3) both enter here: flat
 * 32-bit segments, paging off, %ebx the boot information, %eax multiboot2's
 * magic or anything.  We are at our load address, not at our link address, so
 * all addresses are computed from %ebp.
 *
 * The tables built here map the first GB to itself.  Two of their pages are
 * the guard pages of the stacks: once hw_main() has dropped the identity
 * mapping they are without use, and never mapped in the image.
 */
#include "hw.h"

#define MSR_EFER 0xc0000080

	.section .text.hw_entry, "ax"
	.code32
	.globl __kiln_entry
__kiln_entry:
	cli
	cld
	/* A call needs a stack before we know where ours is: borrow four bytes of the BIOS's. */
	movl 0x600, %edx
	movl $0x604, %esp
	call 1f
1:	popl %ebp
	movl %edx, 0x600
	leal (hw_boot_stack_top - 1b)(%ebp), %esp
	movl %eax, %esi
	movl %ebx, %edi

	rdtsc
	leal (hw_boot_tsc - 1b)(%ebp), %ecx
	movl %eax, (%ecx)
	movl %edx, 4(%ecx)

	movl $0x80000001, %eax
	cpuid
	btl $29, %edx
	jnc 4f /* not a 64-bit processor */
	shrl $9, %edx
	andl $0x800, %edx /* NX, where EFER wants it */
	orl $0x100, %edx
	pushl %edx

	/* PML4[0] -> guard1 as page directory pointers -> guard0 as page directory. */
	leal (hw_guard0 - 1b)(%ebp), %ebx
	leal (hw_guard1 - 1b)(%ebp), %ecx
	leal 3(%ebx), %eax
	movl %eax, (%ecx)
	leal (hw_pml4 - 1b)(%ebp), %edx
	orl $3, %ecx
	movl %ecx, (%edx)
	movl $0x83, %eax
	movl $512, %ecx
2:	movl %eax, (%ebx)
	addl $8, %ebx
	addl $0x200000, %eax
	loop 2b

	movl $HW_CR4_BITS, %eax
	movl %eax, %cr4
	movl %edx, %cr3
	movl $MSR_EFER, %ecx
	popl %eax
	xorl %edx, %edx
	wrmsr
	movl $HW_CR0_BITS, %eax
	movl %eax, %cr0

	leal (hw_boot_gdt - 1b)(%ebp), %eax
	pushl %eax
	pushl $(23 << 16)
	lgdt 2(%esp)
	leal (3f - 1b)(%ebp), %eax
	movl $HW_SEL_CODE, 4(%esp)
	movl %eax, (%esp)
	lret
4:	hlt
	jmp 4b

	.code64
3:	movl $HW_SEL_DATA, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	leaq hw_boot_stack_top(%rip), %rsp
	xorl %ebp, %ebp
	xchgl %esi, %edi /* hw_early(magic, info), and the upper halves are clear */
	call hw_early
	addq %rax, %rsp
	leaq hw_main(%rip), %rdx
	addq %rax, %rdx
	pushq $0
	jmp *%rdx

	.section .rodata.hw_boot_gdt, "a"
	.balign 8
	.globl hw_boot_gdt
hw_boot_gdt:
	.quad 0
	.quad HW_DESC_CODE
	.quad HW_DESC_DATA

	.section .bss.hw_pages, "aw", @nobits
	.balign 4096
	.globl hw_pml4, hw_guard0, hw_boot_stack, hw_boot_stack_top, hw_guard1, hw_istack0, hw_cpu0
hw_pml4:
	.skip 4096
hw_guard0:
	.skip 4096
hw_boot_stack:
	.skip HW_BOOT_STACK_SIZE
hw_boot_stack_top:
hw_guard1:
	.skip 4096
hw_istack0:
	.skip HW_ISTACK_SIZE
hw_cpu0:
	.skip HW_CPU_SIZE

	.section .bss.hw_boot_tsc, "aw", @nobits
	.balign 8
	.globl hw_boot_tsc
hw_boot_tsc:
	.skip 8

	.section .note.GNU-stack, "", @progbits
