/* SPDX-License-Identifier: BSD-2-Clause */
/* The copy loop that memcpy and copyin/copyout share: one is in the exception table, one not. */
#ifndef MEMCOPY_H
#define MEMCOPY_H

/* rdi to, rsi from, rdx bytes; keeps rax. */
	.macro COPY_FORWARD
	cmp mem_rep_min(%rip), %rdx
	jae 96f
91:	sub $32, %rdx
	jb 92f
	mov (%rsi), %rcx
	mov 8(%rsi), %r8
	mov 16(%rsi), %r9
	mov 24(%rsi), %r10
	mov %rcx, (%rdi)
	mov %r8, 8(%rdi)
	mov %r9, 16(%rdi)
	mov %r10, 24(%rdi)
	add $32, %rsi
	add $32, %rdi
	jmp 91b
92:	add $32, %edx
93:	sub $8, %edx
	jb 94f
	mov (%rsi), %rcx
	mov %rcx, (%rdi)
	add $8, %rsi
	add $8, %rdi
	jmp 93b
94:	add $8, %edx
	jz 97f
95:	movzbl (%rsi), %ecx
	mov %cl, (%rdi)
	inc %rsi
	inc %rdi
	dec %edx
	jnz 95b
	jmp 97f
96:	mov %rdx, %rcx
	rep movsb
97:
	.endm

#endif
