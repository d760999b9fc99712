/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers of the system calls, and a way to keep syscall(2) cheap: with a
 * constant number, which is how nearly all programs call it, it is a call of
 * the function behind that number.  Else a table is needed that knows all calls
 * of the image, and a call that is reached in no other way is not among them.
 */
#ifndef _SYS_SYSCALL_H
#define _SYS_SYSCALL_H

#include <bits/syscall.h>

#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && !defined(__cplusplus) &&  \
    defined(__kiln__)

#include <bits/kiln_syscalls.h>

extern long __syscall_ret(unsigned long);
long syscall(long, ...);

extern __inline __attribute__((__gnu_inline__, __always_inline__, __artificial__)) long syscall(
    long __n, ...)
{
	extern long __kiln_syscall(long, ...) __asm__("syscall");

	if (__builtin_constant_p(__n)) {
		switch (__n) {
#define __KILN_CASE(number)                                                                        \
	case number:                                                                               \
		return __syscall_ret((unsigned long)__kiln_nr_##number(__builtin_va_arg_pack()));
			__KILN_SYSCALLS(__KILN_CASE)
#undef __KILN_CASE
		}
	}
	return __kiln_syscall(__n, __builtin_va_arg_pack());
}

#endif
#endif
