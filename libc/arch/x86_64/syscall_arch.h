/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls of Kiln's libc: functions of the image it is linked into.
 *
 * musl writes __syscall(SYS_read, fd, buf, n) and __syscall_cp() for calls
 * that are cancellation points.  With a constant number both fold into a call
 * of sys_read(), so that the linker sees which calls a program can reach; that
 * is what the whole of Kiln rests on.  A number that is not constant goes
 * through sys_indirect(); in libc only syscall(3) has such numbers.
 *
 * CANCELLATION.  musl decides by the program counter whether a signal hit a
 * cancellable call before it had an effect, for which all such calls go through
 * one piece of assembly.  Here they are inline, so the thread says where
 * it is: the word at %fs:KILN_TP_CP (musl's `sysinfo`, which only i386 uses)
 * is 1 from before the flag `cancel` is looked at until the call has returned.
 * If SIGCANCEL's handler finds it set, it asks the kernel to let the
 * thread's next sleep fail with EINTR: a request that arrives between
 * the look and the sleep is thus not lost.  The word is part of the context that a
 * handler interrupts: the kernel saves and clears it on entering the handler and
 * sigreturn brings it back (kern/signal), so that a handler may make such calls itself, and
 * leave by siglongjmp().  See src/thread/pthread_cancel.c.
 */
#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

#include <kiln_syscalls.h>

hidden long sys_indirect(long n, ...);

#define __KILN_INLINE static __inline __attribute__((__always_inline__, __unused__))

/* Offsets into struct pthread; checked in pthread_cancel.c.  CP is known to kern/signal, too. */
#define KILN_TP_CP     32
#define KILN_TP_CANCEL 60
/* Where a handler finds the word of the code it interrupted: in mcontext_t's __reserved1. */
#define KILN_UC_CP 0

__KILN_INLINE long __kiln_call(long n, long a, long b, long c, long d, long e, long f)
{
	if (!__builtin_constant_p(n))
		return sys_indirect(n, a, b, c, d, e, f);
	switch (n) {
#define __KILN_ARGS0()
#define __KILN_ARGS1() a
#define __KILN_ARGS2() a, b
#define __KILN_ARGS3() a, b, c
#define __KILN_ARGS4() a, b, c, d
#define __KILN_ARGS5() a, b, c, d, e
#define __KILN_ARGS6() a, b, c, d, e, f
#define __KILN_CASE(number, function, nargs)                                                       \
	case number:                                                                               \
		return function(__KILN_ARGS##nargs());
		KILN_SYSCALLS(__KILN_CASE)
	}
	return -38; /* ENOSYS: a number that Linux does not have */
}

__KILN_INLINE long __syscall0(long n)
{
	return __kiln_call(n, 0, 0, 0, 0, 0, 0);
}

__KILN_INLINE long __syscall1(long n, long a)
{
	return __kiln_call(n, a, 0, 0, 0, 0, 0);
}

__KILN_INLINE long __syscall2(long n, long a, long b)
{
	return __kiln_call(n, a, b, 0, 0, 0, 0);
}

__KILN_INLINE long __syscall3(long n, long a, long b, long c)
{
	return __kiln_call(n, a, b, c, 0, 0, 0);
}

__KILN_INLINE long __syscall4(long n, long a, long b, long c, long d)
{
	return __kiln_call(n, a, b, c, d, 0, 0);
}

__KILN_INLINE long __syscall5(long n, long a, long b, long c, long d, long e)
{
	return __kiln_call(n, a, b, c, d, e, 0);
}

__KILN_INLINE long __syscall6(long n, long a, long b, long c, long d, long e, long f)
{
	return __kiln_call(n, a, b, c, d, e, f);
}

/*
 * The two ways out of a cancellable call's straight path.  enter: a request is
 * there; 0 to go on with the call, or its result, or no return.  eintr: the
 * call was interrupted; its result, or no return.  Weak: pthread_cancel() brings
 * them along, and without it nobody can request anything.
 */
extern weak hidden long __kiln_cp_enter(long n);
extern weak hidden long __kiln_cp_eintr(long n);

__KILN_INLINE long __kiln_call_cp(long n, long a, long b, long c, long d, long e, long f)
{
	long r = 0;
	int requested;

	__asm__ __volatile__("movl $1, %%fs:%c1\n\tmovl %%fs:%c2, %0"
			     : "=r"(requested)
			     : "i"(KILN_TP_CP), "i"(KILN_TP_CANCEL)
			     : "memory");
	if (__builtin_expect(requested, 0))
		r = __kiln_cp_enter(n);
	if (__builtin_expect(r == 0, 1))
		r = __kiln_call(n, a, b, c, d, e, f);
	__asm__ __volatile__("movl $0, %%fs:%c0" : : "i"(KILN_TP_CP) : "memory");
	if (__builtin_expect(r == -4, 0) && __kiln_cp_eintr) /* EINTR */
		r = __kiln_cp_eintr(n);
	return r;
}

/* musl's macros call (__syscall_cp)(n, ...) with six arguments, zeros added. */
__KILN_INLINE long __syscall_cp(long n, long a, long b, long c, long d, long e, long f)
{
	return __kiln_call_cp(n, a, b, c, d, e, f);
}

#define IPC_64 0
