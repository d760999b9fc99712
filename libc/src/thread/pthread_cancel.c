/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thread cancellation over direct-call system calls (arch/x86_64/syscall_arch.h
 * says how a cancellable call is made).
 *
 * A request sets `cancel` in the target and sends it SIGCANCEL.  Five cases:
 *  - it is outside a cancellable call: its next one sees `cancel`;
 *  - it is in one and sleeps: the signal ends the sleep, the call is
 *    restarted or fails with EINTR; the restarted one finds the kernel's latch
 *    set, so EINTR in either case, and the thread ends itself;
 *  - it is in one, between looking at `cancel` and sleeping: same latch;
 *  - it is in a handler that interrupted one: the context below the handler gets SIGCANCEL
 *    when the handler is done, and then it is one of the above;
 *  - it is in one that has just succeeded: the result is kept, as POSIX asks, and the
 *    latch stays set: one later sleep is interrupted for nothing, as by any signal.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <string.h>
#include "pthread_impl.h"
#include "syscall.h"

_Static_assert(offsetof(struct pthread, sysinfo) == KILN_TP_CP, "syscall_arch.h relies on it");
_Static_assert(offsetof(struct pthread, cancel) == KILN_TP_CANCEL, "syscall_arch.h relies on it");

hidden long __cancel(void);

long __cancel(void)
{
	pthread_t self = __pthread_self();

	self->sysinfo = 0;
	if (self->canceldisable == PTHREAD_CANCEL_ENABLE || self->cancelasync)
		pthread_exit(PTHREAD_CANCELED);
	/* PTHREAD_CANCEL_MASKED: the caller sees ECANCELED, once. */
	self->canceldisable = PTHREAD_CANCEL_DISABLE;
	return -ECANCELED;
}

long __kiln_cp_enter(long n)
{
	int state = __pthread_self()->canceldisable;

	if (state == PTHREAD_CANCEL_DISABLE || (state && n == SYS_close))
		return 0;
	return __cancel();
}

long __kiln_cp_eintr(long n)
{
	pthread_t self = __pthread_self();

	if (n == SYS_close || !self->cancel || self->canceldisable == PTHREAD_CANCEL_DISABLE)
		return -EINTR;
	return __cancel();
}

/* Runs as if the interrupted code had called it; the thread ends here. */
static void cancel_now(void)
{
	__cancel();
	a_crash();
}

static void cancel_handler(int sig, siginfo_t *si, void *context)
{
	pthread_t self = __pthread_self();
	ucontext_t *uc = context;

	a_barrier();
	if (!self->cancel || self->canceldisable == PTHREAD_CANCEL_DISABLE)
		return;

	/* Do not come here again for this request. */
	uc->uc_sigmask.__bits[0] |= 1UL << (SIGCANCEL - 1);

	if (self->cancelasync) {
		/* As after a call instruction: the stack pointer is 8 off a multiple of 16. */
		uc->uc_mcontext.gregs[REG_RSP] =
		    ((uc->uc_mcontext.gregs[REG_RSP] - 128) & -16L) - 8;
		uc->uc_mcontext.gregs[REG_RIP] = (uintptr_t)cancel_now;
		return;
	}
	/* Was the interrupted code in a call?  Of self->sysinfo, which now is the handler's own. */
	if (uc->uc_mcontext.__reserved1[KILN_UC_CP])
		__syscall(SYS_kiln_cancel, 1);
	/*
	 * If the interrupted code is itself a signal handler, the code below it,
	 * with another mask, gets to know as well.
	 */
	__syscall(SYS_tkill, self->tid, SIGCANCEL);
}

void __testcancel(void)
{
	pthread_t self = __pthread_self();

	if (self->cancel && !self->canceldisable)
		__cancel();
}

static void init_cancellation(void)
{
	struct sigaction sa = {
	    .sa_flags = SA_SIGINFO | SA_RESTART,
	    .sa_sigaction = cancel_handler,
	};

	memset(&sa.sa_mask, -1, _NSIG / 8);
	__libc_sigaction(SIGCANCEL, &sa, 0);
}

int pthread_cancel(pthread_t t)
{
	static volatile int init;

	if (!init) {
		init_cancellation();
		init = 1;
	}
	a_store(&t->cancel, 1);
	if (t == pthread_self()) {
		if (t->canceldisable == PTHREAD_CANCEL_ENABLE && t->cancelasync)
			pthread_exit(PTHREAD_CANCELED);
		return 0;
	}
	return pthread_kill(t, SIGCANCEL);
}
