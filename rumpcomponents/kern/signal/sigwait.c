/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for signals: for handlers to run, or to take them without. */
#include <kern/ktime.h>
#include <kern/sysproto.h>
#include "signal_impl.h"

/* Sleep until a handler is going to run. */
static long sleep_for_handler(void)
{
	struct lwp *l = curlwp;

	while (sig_pending(l) == 0)
		if (lwp_sleep_until(UINT64_MAX - 1, "sigsuspend") == EINTR)
			break;
	return sysret(EINTR, 0);
}

long do_sys_pause(void)
{
	return sleep_for_handler();
}

long do_sys_rt_sigsuspend(const uint64_t *uset, size_t setsize)
{
	uint64_t set;
	int error = sig_getset(uset, setsize, &set);

	if (error)
		return sysret(error, 0);
	sig_suspend_mask(set);
	return sleep_for_handler();
}

int sig_wait(uint64_t set, siginfo_t *info, uint64_t deadline, int *signo)
{
	struct lwp *l = curlwp;
	struct sigctx *sc = l->l_sigctx;
	int error = 0;

	set &= ~SIG_UNBLOCKABLE;
	for (;;) {
		/* Wanted before looked for: what arrives after the look ends the sleep before it
		 * begins. */
		sig_setwait(set);
		*signo = sig_take(sc, set, info, NULL);
		if (*signo || error || deadline == 0) {
			sig_setwait(0);
			if (*signo)
				return 0;
			if (error == EWOULDBLOCK || deadline == 0)
				return EAGAIN;
			if (error == EINTR || sig_pending(l))
				return error;
			error = 0;
			continue;
		}
		error = lwp_sleep_until(deadline, "sigwait");
		sig_setwait(0);
	}
}

long do_sys_rt_sigtimedwait(
    const uint64_t *uset, siginfo_t *uinfo, const struct timespec *timeout, size_t setsize)
{
	uint64_t set, deadline = UINT64_MAX - 1, now;
	struct timespec ts;
	siginfo_t info;
	int signo = 0, error = sig_getset(uset, setsize, &set);

	if (!error && timeout) {
		error = copyin(timeout, &ts, sizeof(ts));
		if (!error)
			error = timespec_to_ns(&ts, &deadline);
		now = nanouptime();
		if (!error && deadline)
			deadline =
			    deadline < UINT64_MAX - 1 - now ? now + deadline : UINT64_MAX - 1;
	}
	if (!error)
		error = sig_wait(set, &info, deadline, &signo);
	if (error == ERESTART)
		error = EINTR;
	if (!error && uinfo)
		error = copyout(&info, uinfo, sizeof(info));
	return sysret(error, signo);
}
