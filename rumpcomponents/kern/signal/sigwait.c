/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for signals: sigsuspend, pause, sigtimedwait. */
#include <kern/ktime.h>
#include <kern/sysproto.h>
#include "signal_impl.h"

long do_sys_pause(void)
{
	while (lwp_sleep_until(UINT64_MAX, "pause") == 0)
		;
	return sysret(EINTR, 0);
}

long do_sys_rt_sigsuspend(const uint64_t *uset, size_t setsize)
{
	uint64_t set;
	int error = setsize == 8 ? copyin(uset, &set, sizeof(set)) : EINVAL;

	if (error)
		return sysret(error, 0);
	sig_suspend_mask(set);
	return do_sys_pause();
}

static int wait_for(uint64_t set, uint64_t deadline, siginfo_t *info, int *signo)
{
	struct lwp *l = curlwp;
	struct sigctx *sc = l->l_sigctx;
	int error = 0;

	mutex_enter(&sig_lock);
	sc->sc_waiting = set;
	while ((*signo = sig_take(l, set, info)) == 0 && !error)
		error = deadline == 0 ? EWOULDBLOCK : cv_timedwait_sig(&sc->sc_cv, &sig_lock, deadline);
	sc->sc_waiting = 0;
	mutex_exit(&sig_lock);
	if (*signo)
		return 0;
	return error == EWOULDBLOCK ? EAGAIN : EINTR;
}

long do_sys_rt_sigtimedwait(const uint64_t *uset, siginfo_t *uinfo, const struct timespec *uts, size_t setsize)
{
	uint64_t set, ns, deadline = UINT64_MAX;
	struct timespec ts;
	siginfo_t info;
	int signo = 0, error = setsize == 8 ? copyin(uset, &set, sizeof(set)) : EINVAL;

	if (!error && uts) {
		error = copyin(uts, &ts, sizeof(ts));
		if (!error)
			error = timespec_to_ns(&ts, &ns);
		if (!error)
			deadline = ns ? nanouptime() + ns : 0;
	}
	if (!error)
		error = wait_for(set & ~SIG_CANNOT_BLOCK, deadline, &info, &signo);
	if (!error && uinfo)
		error = copyout(&info, uinfo, sizeof(info));
	return sysret(error, signo);
}
