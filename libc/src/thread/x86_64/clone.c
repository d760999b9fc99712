/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thread creation.  On Linux the child returns from clone(2) on its new stack.
 * Here a system call is a function call, and nothing on the new stack could be
 * returned to; so the kernel is given the address at which the child starts.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <sched.h>
#include "pthread_impl.h"
#include "syscall.h"

/* What the child finds at its stack pointer, which is 8 off a multiple of 16. */
struct start {
	void *return_address; /* zero: backtraces end here */
	int (*func)(void *);
	void *arg;
};

static void thread_entry(void *p)
{
	struct start *start = p;

	__syscall(SYS_exit, start->func(start->arg));
	a_crash();
}

int __clone(int (*func)(void *), void *stack, int flags, void *arg, ...)
{
	va_list ap;
	va_start(ap, arg);
	int *ptid = va_arg(ap, int *);
	void *tls = va_arg(ap, void *);
	int *ctid = va_arg(ap, int *);
	va_end(ap);

	/* One address space: what would be a copy of it is fork's failure. */
	if ((flags & (CLONE_VM | CLONE_THREAD)) != (CLONE_VM | CLONE_THREAD))
		return __syscall(SYS_fork);

	struct start *start = (struct start *)((uintptr_t)stack & -16) - 1;
	*start = (struct start){0, func, arg};
	return __syscall(SYS_kiln_thread, (unsigned)flags, start, ptid, ctid, tls, thread_entry);
}

/* With this the locks of libc can wait: src/internal/kiln_futex.h. */
long __kiln_futex(volatile void *addr, int op, int val)
{
	return __syscall(SYS_futex, addr, op, val, 0, 0, 0);
}
