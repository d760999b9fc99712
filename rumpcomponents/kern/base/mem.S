/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving memory without vector registers: unrolled 8-byte moves, and the string
 * instructions for what is large where they are fast (mem_rep, set by start.c:
 * software emulation executes them element by element).
 */
#include "memcopy.h"

	.section .data.mem_rep, "aw", @progbits
	.globl mem_rep_min
	.balign 8
mem_rep_min:
	.quad -1	/* lengths from here on use rep movsb, rep stosb */

	.section .text.memcpy, "ax", @progbits
	.globl memcpy
	.type memcpy, @function
	.balign 16
memcpy:
	mov %rdi, %rax
	COPY_FORWARD
	ret
	.size memcpy, . - memcpy

	.section .text.memmove, "ax", @progbits
	.globl memmove
	.type memmove, @function
	.balign 16
memmove:
	mov %rdi, %rax
	mov %rdi, %rcx
	sub %rsi, %rcx
	cmp %rdx, %rcx
	jae memcpy	/* below the source, or beyond its end */
	/* dst in (src, src + n): from the end */
1:	cmp $8, %rdx
	jb 3f
2:	mov -8(%rsi,%rdx), %rcx
	mov %rcx, -8(%rdi,%rdx)
	sub $8, %rdx
	cmp $8, %rdx
	jae 2b
3:	test %rdx, %rdx
	jz 5f
4:	movzbl -1(%rsi,%rdx), %ecx
	mov %cl, -1(%rdi,%rdx)
	dec %rdx
	jnz 4b
5:	ret
	.size memmove, . - memmove

	.section .text.memset, "ax", @progbits
	.globl memset
	.type memset, @function
	.balign 16
memset:
	mov %rdi, %r9
	movzbl %sil, %eax
	movabs $0x0101010101010101, %rcx
	imul %rcx, %rax
	cmp mem_rep_min(%rip), %rdx
	jae 6f
1:	sub $64, %rdx
	jb 2f
	mov %rax, (%rdi)
	mov %rax, 8(%rdi)
	mov %rax, 16(%rdi)
	mov %rax, 24(%rdi)
	mov %rax, 32(%rdi)
	mov %rax, 40(%rdi)
	mov %rax, 48(%rdi)
	mov %rax, 56(%rdi)
	add $64, %rdi
	jmp 1b
2:	add $64, %rdx
3:	sub $8, %rdx
	jb 4f
	mov %rax, (%rdi)
	add $8, %rdi
	jmp 3b
4:	add $8, %rdx
	jz 7f
5:	mov %al, (%rdi)
	inc %rdi
	dec %rdx
	jnz 5b
	jmp 7f
6:	mov %rdx, %rcx
	rep stosb
7:	mov %r9, %rax
	ret
	.size memset, . - memset

	.section .note.GNU-stack, "", @progbits
