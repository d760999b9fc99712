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

struct lwp;
struct rumpuser_trapframe;

/* Send to the program / to one lwp.  Any context but interrupt handlers. */
void sig_send_proc(int signo, const siginfo_t *info) __attribute__((weak));
void sig_send_lwp(struct lwp *l, int signo, const siginfo_t *info) __attribute__((weak));

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
