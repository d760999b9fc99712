/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access to the program's memory.  Instructions in an entry of ex_table may fault on an
 * address the program gave; rumpkern_trap() then goes on at the entry's fixup.
 * Nothing is checked otherwise: an address is the program's own affair, and page 0 and
 * what is not canonical fault.
 */
#include "memcopy.h"

#define EFAULT 14
#define ENAMETOOLONG 36

	.macro EX_TABLE start, end, fixup
	.pushsection ex_table, "a", @progbits
	.balign 4
	.long \start - .
	.long \end - .
	.long \fixup - .
	.popsection
	.endm

	.macro FUNCTION name
	.section .text.\name, "ax", @progbits
	.globl \name
	.type \name, @function
	.balign 16
\name:
	.endm

	.section .text.copyin_fault, "ax", @progbits
copyin_fault:
	mov $EFAULT, %eax
	ret

/* int copyin(const void *uaddr, void *kaddr, size_t len) */
	FUNCTION copyin
	xchg %rdi, %rsi
	jmp copyin_copy
	.size copyin, . - copyin

/* int copyout(const void *kaddr, void *uaddr, size_t len) */
	FUNCTION copyout
	xchg %rdi, %rsi
	jmp copyin_copy
	.size copyout, . - copyout

	.section .text.copyin_copy, "ax", @progbits
	.balign 16
copyin_copy:
	xor %eax, %eax
10:	COPY_FORWARD
	ret
11:
	EX_TABLE 10b, 11b, copyin_fault

/* int copyinstr(const void *uaddr, char *kaddr, size_t len, size_t *done) */
	FUNCTION copyinstr
	xor %eax, %eax
1:	cmp %rdx, %rax
	jae 4f
2:	mov (%rdi,%rax), %r8b
3:	mov %r8b, (%rsi,%rax)
	inc %rax
	test %r8b, %r8b
	jnz 1b
	test %rcx, %rcx
	jz 5f
	mov %rax, (%rcx)
5:	xor %eax, %eax
	ret
4:	mov $ENAMETOOLONG, %eax
	ret
	EX_TABLE 2b, 3b, copyin_fault
	.size copyinstr, . - copyinstr

/* int ufetch_32(const volatile uint32_t *uaddr, uint32_t *value) */
	FUNCTION ufetch_32
	xor %eax, %eax
1:	mov (%rdi), %ecx
2:	mov %ecx, (%rsi)
	ret
	EX_TABLE 1b, 2b, copyin_fault
	.size ufetch_32, . - ufetch_32

/* int ustore_32(volatile uint32_t *uaddr, uint32_t value) */
	FUNCTION ustore_32
	xor %eax, %eax
1:	mov %esi, (%rdi)
2:	ret
	EX_TABLE 1b, 2b, copyin_fault
	.size ustore_32, . - ustore_32

/* int ucas_32(volatile uint32_t *uaddr, uint32_t old, uint32_t new, uint32_t *actual) */
	FUNCTION ucas_32
	mov %esi, %eax
1:	lock cmpxchg %edx, (%rdi)
2:	mov %eax, (%rcx)
	xor %eax, %eax
	ret
	EX_TABLE 1b, 2b, copyin_fault
	.size ucas_32, . - ucas_32

	.section .note.GNU-stack, "", @progbits
