/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals as the rest of the kernel needs them.  Provided by kern/signal;
 * kern/base has weak versions for images in which nothing handles signals:
 * there a signal simply has its default action.
 */
#ifndef KERN_SIGNALVAR_H
#define KERN_SIGNALVAR_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct lwp;
struct sigproc;
struct rumpuser_trapframe;

/* Linux's struct sigevent, as far as the kernel looks at it. */
struct ksigevent {
	union sigval value;
	int signo, notify, tid, pad[11];
};
_Static_assert(sizeof(struct ksigevent) == 64, "Linux's structure");

/* Send to the calling process (from a kernel lwp: to process 1) / to one lwp.  Any context but
 * interrupt handlers. */
void sig_send_proc(int signo, const siginfo_t *info) __attribute__((weak));
void sig_send_lwp(struct lwp *l, int signo, const siginfo_t *info) __attribute__((weak));
/* Send to a process that does not go meanwhile. */
void sig_send_to(struct sigproc *sp, int signo, const siginfo_t *info) __attribute__((weak));
/* Send to process pid, if it still is. */
void sig_send_pid(int pid, int signo, const siginfo_t *info) __attribute__((weak));
/* Take one signal that is pending for the calling lwp, which is the kernel's in all but name. 0:
 * none. */
int sig_next(void) __attribute__((weak));

/*
 * A signal of a timer (timer_create(2)): an entry of its owner, so that sending cannot
 * fail for want of memory, and which is pending at most once.
 *
 * ksi_proc, the process's, ksi_info and ksi_gone are set once, before it is sent.  ksi_gone is
 * called, without locks, where a thread takes the signal: it may change the thread's copy of the
 * info.  And with NULL when some owner's entries were forgotten: one should look at ksi_queued.
 */
typedef void ksi_gone_t(siginfo_t *info);
struct ksiginfo {
	STAILQ_ENTRY(ksiginfo) ksi_entry;
	struct sigproc *ksi_proc;
	siginfo_t ksi_info;
	ksi_gone_t *ksi_gone;
	volatile bool ksi_queued; /* set by sig_send_timer(), cleared before ksi_gone is called */
};
/*
 * Send to its process (lid 0) or to a thread of that.  EBUSY: it is still pending.  ECANCELED: the
 * signal is ignored.  ESRCH: no such thread.  Any context but interrupt handlers.
 */
int sig_send_timer(struct ksiginfo *ksi, int lid) __attribute__((weak));
/* If it is pending, forget it: the owner goes.  ksi_gone is not called. */
void sig_unsend_timer(struct ksiginfo *ksi) __attribute__((weak));

/*
 * A synchronous trap of the program: deliver signo to the current lwp by changing tf
 * to enter its handler.  false: no handler (or blocked): the caller reports the crash.
 */
bool sig_trap(struct rumpuser_trapframe *tf, int signo, int code, uintptr_t addr);

/* On the way back to interrupted program code (preemption): deliver pending signals into tf. */
void sig_userret_trap(struct rumpuser_trapframe *tf);

/*
 * Install mask for the rest of the current system call (ppoll, pselect, epoll_pwait,
 * sigsuspend); the old one comes back on the way out, after a handler has run.
 * Absent (NULL) when kern/signal is not linked.
 */
void sig_suspend_mask(uint64_t mask) __attribute__((weak));

/* kern/base: report the crash of the program as it stands in tf, power off. */
void base_crash_program(const struct rumpuser_trapframe *tf, int signo, int code, uintptr_t addr)
    __attribute__((noreturn));

#endif
