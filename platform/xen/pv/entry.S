/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.S - what Xen wants to know of the image, and where it begins to run: in 64-bit mode, %rsi the address of
 * struct start_info (public/xen.h), the first megabytes of memory mapped at their page numbers.  That is
 * like what early.c is used to.  ENTRY is in link.ld.
 */
#include "hw.h"
#include "pv.h"
#include <xen/elfnote.h>

	.globl __kiln_xen_pv
	.set __kiln_xen_pv, 1

	.macro NOTE type, kind, value:vararg
	.long 4, 2f - 1f, \type
	.asciz "Xen"
1:	\kind \value
2:	.balign 4
	.endm

	.section .note.xen, "a", @note
	.balign 4
	NOTE XEN_ELFNOTE_GUEST_OS, .asciz, "kiln"
	NOTE XEN_ELFNOTE_XEN_VERSION, .asciz, "xen-3.0"
	NOTE XEN_ELFNOTE_LOADER, .asciz, "generic"
	NOTE XEN_ELFNOTE_VIRT_BASE, .quad, 0
	NOTE XEN_ELFNOTE_PADDR_OFFSET, .quad, 0

	NOTE XEN_ELFNOTE_SUSPEND_CANCEL, .long, 1

	.section .text.hw_entry, "ax"
	.globl __kiln_entry
__kiln_entry:
	cld
	leaq hw_boot_stack_top(%rip), %rsp
	xorl %ebp, %ebp
	movq %rsi, %rdi
	call pv_boot
	addq %rax, %rsp
	leaq pv_main(%rip), %rdx
	addq %rax, %rdx
	pushq $0
	jmp *%rdx

	.section .bss.hw_pages, "aw", @nobits
	.balign 4096
	.globl hw_pml4, hw_guard0, hw_boot_stack, hw_boot_stack_top, hw_guard1, hw_istack0, hw_cpu0
/* early.c maps this page nowhere in the image, and nobody may write to page tables. */
hw_pml4:
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

	.section .note.GNU-stack, "", @progbits
