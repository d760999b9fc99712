/* SPDX-License-Identifier: BSD-2-Clause */
/* Actions, masks and sending, as system calls. */
#include <kern/sysproto.h>
#include "signal_impl.h"

int sig_getset(const uint64_t *uset, size_t size, uint64_t *set)
{
	return size == sizeof(*set) ? copyin(uset, set, sizeof(*set)) : EINVAL;
}

long do_sys_rt_sigaction(
    int signo, const struct k_sigaction *act, struct k_sigaction *oact, size_t setsize)
{
	struct sigproc *sp = curproc->p_sig;
	struct k_sigaction new, old;
	ksi_gone_t *gone = NULL;
	int error = 0;

	if (!sig_valid(signo) || setsize != sizeof(uint64_t) ||
	    (act && (signo == SIGKILL || signo == SIGSTOP)))
		return sysret(EINVAL, 0);
	if (act)
		error = copyin(act, &new, sizeof(new));
	if (error)
		return sysret(error, 0);
	mutex_enter(&sig_lock);
	old = sp->sp_actions[signo - 1];
	if (act) {
		new.mask &= ~SIG_UNBLOCKABLE;
		sp->sp_actions[signo - 1] = new;
		if (sig_ignored(sp, signo)) /* POSIX: pending ones are discarded, blocked or not */
			gone = sig_flush(sp, SIG_BIT(signo));
	}
	mutex_exit(&sig_lock);
	if (gone)
		gone(NULL);
	if (oact)
		error = copyout(&old, oact, sizeof(old));
	return sysret(error, 0);
}

long do_sys_rt_sigprocmask(int how, const uint64_t *set, uint64_t *oset, size_t setsize)
{
	uint64_t old = curlwp->l_sigctx->sc_mask, new = old, arg;
	int error = setsize == sizeof(uint64_t) ? 0 : EINVAL;

	if (!error && set) {
		error = copyin(set, &arg, sizeof(arg));
		if (how == SIG_BLOCK)
			new = old | arg;
		else if (how == SIG_UNBLOCK)
			new = old & ~arg;
		else if (how == SIG_SETMASK)
			new = arg;
		else if (!error)
			error = EINVAL;
	}
	if (error)
		return sysret(error, 0);
	if (set)
		sig_setmask(new);
	if (oset)
		error = copyout(&old, oset, sizeof(old));
	return sysret(error, 0);
}

long do_sys_rt_sigpending(uint64_t *uset, size_t setsize)
{
	struct sigctx *sc = curlwp->l_sigctx;
	uint64_t set;

	if (setsize > sizeof(set))
		return sysret(EINVAL, 0);
	mutex_enter(&sig_lock);
	set = sig_pendingset(sc) & sc->sc_mask;
	mutex_exit(&sig_lock);
	return sysret(copyout(&set, uset, setsize), 0);
}

/*
 * Each process is alone in its group, and in the session: what is said to a group, or with -1 to
 * all that POSIX wants in it, the caller says to itself.
 */
static int queue_to_pid(pid_t pid, const siginfo_t *info, bool queue)
{
	struct proc *p;
	int error = ESRCH;

	if (pid == curproc->p_pid || pid == 0 || pid == -1 || pid == -curproc->p_pid)
		return sig_queue(curproc->p_sig, info, queue);
	if (pid > 0 && exec_find) {
		mutex_enter(&proc_lock);
		p = exec_find(pid);
		if (p)
			error = p->p_zombie ? 0 : sig_queue(p->p_sig, info, queue);
		mutex_exit(&proc_lock);
	}
	return error;
}

void sig_send_pid(int pid, int signo, const siginfo_t *info)
{
	siginfo_t si = *info;

	si.si_signo = signo;
	(void)queue_to_pid(pid, &si, false);
}

long do_sys_kill(pid_t pid, int signo)
{
	siginfo_t info;

	if (signo != 0 && !sig_valid(signo))
		return sysret(EINVAL, 0);
	sig_makeinfo(&info, signo, SI_USER);
	return sysret(queue_to_pid(pid, &info, false), 0);
}

/* Real-time signals that libc keeps for itself: of timers, of pthread_cancel() and of setxid. */
#define LIBC_SIGNALS 3

static int send_thread(int tid, int signo)
{
	siginfo_t info;

	if (tid <= 0 || (signo != 0 && !sig_valid(signo)))
		return EINVAL;
	sig_makeinfo(&info, signo, SI_TKILL);
	/* libc's own get through whatever is queued: pthread_cancel() has no error for that. */
	return sig_queue_lid(curproc->p_sig, tid, &info, signo >= SIG_RTMIN + LIBC_SIGNALS);
}

long do_sys_tkill(int tid, int signo)
{
	return sysret(send_thread(tid, signo), 0);
}

long do_sys_tgkill(int tgid, int tid, int signo)
{
	if (tgid <= 0 || tid <= 0)
		return sysret(EINVAL, 0);
	return sysret(tgid == curproc->p_pid ? send_thread(tid, signo) : ESRCH, 0);
}

static int get_info(int signo, const siginfo_t *uinfo, siginfo_t *info)
{
	int error = copyin(uinfo, info, sizeof(*info));

	if (!error && signo != 0 && !sig_valid(signo))
		error = EINVAL;
	info->si_signo = signo;
	return error;
}

long do_sys_rt_sigqueueinfo(pid_t pid, int signo, siginfo_t *uinfo)
{
	siginfo_t info;
	int error = get_info(signo, uinfo, &info);

	if (!error)
		error = pid > 0 ? queue_to_pid(pid, &info, true) : ESRCH;
	return sysret(error, 0);
}

long do_sys_rt_tgsigqueueinfo(pid_t tgid, pid_t tid, int signo, siginfo_t *uinfo)
{
	siginfo_t info;
	int error = get_info(signo, uinfo, &info);

	if (!error && (tgid <= 0 || tid <= 0))
		error = EINVAL;
	if (!error)
		error = tgid == curproc->p_pid ? sig_queue_lid(curproc->p_sig, tid, &info, true)
					       : ESRCH;
	return sysret(error, 0);
}
