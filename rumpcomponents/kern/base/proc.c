/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the program: stop its lwps, run the shutdown hooks, power off.
 */
#include "base_impl.h"
#include <signal.h>
#include <kern/linkset.h>

LINK_SET_DECLARE(shutdown_hooks, shutdown_hook_t);

/* Have all other program lwps end at their next way out of, or into, the kernel. */
static void stop_lwps(void)
{
	struct lwp *l;

	mutex_enter(&proc_lock);
	TAILQ_FOREACH (l, &alllwp, l_list) {
		if (l->l_kernel || l == curlwp)
			continue;
		__atomic_fetch_or(&l->l_userret, LW_EXIT, __ATOMIC_SEQ_CST);
		lwp_interrupt(l);
	}
	mutex_exit(&proc_lock);
}

void (*proc_leave)(const struct rumpuser_trapframe *tf, int signo, int status);

static void end(enum rumpuser_end how, int status) __attribute__((noreturn));
static void end(enum rumpuser_end how, int status)
{
	struct lwp *other = NULL;
	shutdown_hook_t *const *hook;

	if (proc_leave != NULL)
		proc_leave(NULL, how == RUMPUSER_END_SIGNAL ? status : 0, status);
	if (!__atomic_compare_exchange_n(
		&curproc->p_exiting, &other, curlwp, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		/* Another lwp is at it.  If that is us, a hook has failed. */
		while (other != curlwp)
			lwp_sleep_until(UINT64_MAX - 1, "exit");
		rumpuser_exit(how, status);
	}
	if (&__start_link_set_shutdown_hooks[0] != &__stop_link_set_shutdown_hooks[0]) {
		stop_lwps();
		LINK_SET_FOREACH (hook, shutdown_hooks)
			(*hook)();
	}
	rumpuser_exit(how, status);
}

void proc_exit(int status)
{
	end(RUMPUSER_END_EXIT, status & 0xff);
}

void proc_killed(int signo)
{
	if (signo == SIGABRT || signo == SIGILL || signo == SIGFPE || signo == SIGSEGV ||
	    signo == SIGBUS || signo == SIGTRAP || signo == SIGSYS || signo == SIGQUIT)
		base_crash_program(NULL, signo, 0, 0);
	end(RUMPUSER_END_SIGNAL, signo);
}
