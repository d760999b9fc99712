/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls that set up and send signals. */
#include <kern/syscallframe.h>
#include <kern/sysproto.h>
#include "signal_impl.h"

#define PID 1

long do_sys_rt_sigaction(int signo, const struct k_sigaction *uact, struct k_sigaction *uold, size_t setsize)
{
	struct k_sigaction act, old;
	struct lwp *l;
	int error = 0;

	if (setsize != 8 || signo < 1 || signo > NSIGNALS || (uact && SIGBIT(signo) & SIG_CANNOT_BLOCK))
		return sysret(EINVAL, 0);
	if (uact)
		error = copyin(uact, &act, sizeof(act));
	if (error)
		return sysret(error, 0);
	mutex_enter(&proc_lock);
	mutex_enter(&sig_lock);
	old = sig_actions[signo - 1];
	if (uact) {
		act.mask &= ~SIG_CANNOT_BLOCK;
		sig_actions[signo - 1] = act;
		if (sig_is_ignored(signo)) {
			sig_flush(&sig_proc_pending, SIGBIT(signo));
			TAILQ_FOREACH(l, &alllwp, l_list)
			{
				if (l->l_sigctx)
					sig_flush(&l->l_sigctx->sc_pending, SIGBIT(signo));
			}
		}
	}
	mutex_exit(&sig_lock);
	mutex_exit(&proc_lock);
	if (uold)
		error = copyout(&old, uold, sizeof(old));
	return sysret(error, 0);
}

static int change_mask(struct sigctx *sc, int how, uint64_t set)
{
	switch (how) {
	case SIG_BLOCK:
		sig_set_mask(sc, sc->sc_mask | set);
		return 0;
	case SIG_UNBLOCK:
		sig_set_mask(sc, sc->sc_mask & ~set);
		return 0;
	case SIG_SETMASK:
		sig_set_mask(sc, set);
		return 0;
	}
	return EINVAL;
}

long do_sys_rt_sigprocmask(int how, const uint64_t *uset, uint64_t *uold, size_t setsize)
{
	struct sigctx *sc = curlwp->l_sigctx;
	uint64_t set = 0, old;
	int error = 0;

	if (setsize != 8)
		return sysret(EINVAL, 0);
	if (uset)
		error = copyin(uset, &set, sizeof(set));
	if (error)
		return sysret(error, 0);
	mutex_enter(&sig_lock);
	old = sc->sc_mask;
	if (uset)
		error = change_mask(sc, how, set);
	mutex_exit(&sig_lock);
	if (!error && uold)
		error = copyout(&old, uold, sizeof(old));
	return sysret(error, 0);
}

long do_sys_rt_sigpending(uint64_t *uset, size_t setsize)
{
	struct sigctx *sc = curlwp->l_sigctx;
	uint64_t set;

	if (setsize != 8)
		return sysret(EINVAL, 0);
	mutex_enter(&sig_lock);
	set = (sc->sc_pending.sp_set | sig_proc_pending.sp_set) & sc->sc_mask;
	mutex_exit(&sig_lock);
	return sysret(copyout(&set, uset, sizeof(set)), 0);
}

static bool is_us(pid_t pid)
{
	return pid == PID || pid == 0 || pid == -1 || pid == -PID;
}

static int send_proc(pid_t pid, int signo, const siginfo_t *info)
{
	if (signo < 0 || signo > NSIGNALS)
		return EINVAL;
	if (!is_us(pid))
		return ESRCH;
	if (signo)
		sig_send_proc(signo, info);
	return 0;
}

static int send_lwp(int tid, int signo, const siginfo_t *info)
{
	struct lwp *l;

	if (tid <= 0 || signo < 0 || signo > NSIGNALS)
		return EINVAL;
	mutex_enter(&proc_lock);
	l = lwp_find(tid);
	if (l && l->l_kernel)
		l = NULL;
	if (l && signo)
		sig_send_lwp(l, signo, info);
	mutex_exit(&proc_lock);
	return l ? 0 : ESRCH;
}

static siginfo_t from_us(int code)
{
	siginfo_t info = {.si_code = code};

	info.si_pid = PID;
	return info;
}

long do_sys_kill(pid_t pid, int signo)
{
	siginfo_t info = from_us(SI_USER);

	return sysret(send_proc(pid, signo, &info), 0);
}

long do_sys_tkill(int tid, int signo)
{
	siginfo_t info = from_us(SI_TKILL);

	return sysret(send_lwp(tid, signo, &info), 0);
}

long do_sys_tgkill(int tgid, int tid, int signo)
{
	return tgid != PID ? sysret(tgid <= 0 ? EINVAL : ESRCH, 0) : do_sys_tkill(tid, signo);
}

long do_sys_rt_sigqueueinfo(pid_t pid, int signo, siginfo_t *uinfo)
{
	siginfo_t info;
	int error = copyin(uinfo, &info, sizeof(info));

	return sysret(error ? error : send_proc(pid, signo, &info), 0);
}

long do_sys_rt_tgsigqueueinfo(pid_t tgid, pid_t tid, int signo, siginfo_t *uinfo)
{
	siginfo_t info;
	int error = tgid == PID ? copyin(uinfo, &info, sizeof(info)) : ESRCH;

	return sysret(error ? error : send_lwp(tid, signo, &info), 0);
}

long do_sys_sigaltstack(const stack_t *uss, stack_t *uold)
{
	struct sigctx *sc = curlwp->l_sigctx;
	stack_t ss, old = sc->sc_stack;
	/* The program runs on it if its stack pointer, at the call, lies within. */
	bool inside = !(old.ss_flags & SS_DISABLE) &&
	    syscallframe_sp(syscallframe_current()) - (uintptr_t)old.ss_sp < old.ss_size;
	int error = 0;

	if (uss) {
		error = copyin(uss, &ss, sizeof(ss));
		if (!error && ss.ss_flags & ~SS_DISABLE && ss.ss_flags != SS_ONSTACK)
			error = EINVAL;
		else if (!error && inside)
			error = EPERM;
		else if (!error && !(ss.ss_flags & SS_DISABLE) && ss.ss_size < MINSIGSTKSZ)
			error = ENOMEM;
		if (!error) {
			ss.ss_flags &= SS_DISABLE;
			sc->sc_stack = ss;
		}
	}
	if (!error && uold) {
		if (inside)
			old.ss_flags = SS_ONSTACK;
		error = copyout(&old, uold, sizeof(old));
	}
	return sysret(error, 0);
}

long do_sys_kiln_cancel(int on)
{
	struct sigctx *sc = curlwp->l_sigctx;

	if (sc)
		sc->sc_cancel = on != 0;
	return 0;
}
