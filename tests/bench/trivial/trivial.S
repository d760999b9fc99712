/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trivial.S - the least that a machine can be made to do: enter by PVH, print
 * one byte on the serial port, and end.  What QEMU and its firmware take for
 * this is what every guest pays; `make bench` subtracts it.
 */
	.section .note.pvh, "a", @note
	.long 4, 8, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad trivial_entry

	.text
	.code32
	.globl trivial_entry
trivial_entry:
	movw $0x3f8, %dx
	movb $'!', %al
	outb %al, %dx
	movw $0x501, %dx	/* isa-debug-exit, if the machine has it */
	xorl %eax, %eax
	outl %eax, %dx
1:	cli
	hlt
	jmp 1b

	.section .note.GNU-stack, "", @progbits
