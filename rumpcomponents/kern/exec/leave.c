/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a process that is not the first: its lwps end, what it had is given back, and its
 * parent is told.  Until that has waited, or is not there any more, the struct proc remains.
 */
#include <signal.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/vm_map.h>
#include "exec_impl.h"

#define LOOK_AGAIN 200000 /* ns */

/* Tell the other lwps to end; how many there are. */
static unsigned end_others(const struct proc *p)
{
	struct lwp *l;
	unsigned n = 0;

	mutex_enter(&proc_lock);
	TAILQ_FOREACH (l, &alllwp, l_list) {
		if (l->l_kernel || l->l_proc != p || l == curlwp)
			continue;
		__atomic_fetch_or(&l->l_userret, LW_EXIT, __ATOMIC_SEQ_CST);
		lwp_interrupt(l);
		n++;
	}
	mutex_exit(&proc_lock);
	return n;
}

void exec_single(void)
{
	struct proc *p = curproc;
	struct lwp *none = NULL;
	uint64_t gap = LOOK_AGAIN;

	if (!__atomic_compare_exchange_n(
		&p->p_exiting, &none, curlwp, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) &&
	    none != curlwp)
		lwp_exit();
	while (end_others(p) != 0) {
		/* A signal ends this sleep, but not the wait. */
		if (lwp_sleep_until(nanouptime() + gap, "exit") != EWOULDBLOCK)
			lwp_yield();
		gap = KMIN(2 * gap, 20 * (uint64_t)LOOK_AGAIN);
	}
}

/* Children that nobody will wait for any more; proc_lock held. */
static void orphan(struct proc *p)
{
	struct proc *child, *next;

	for (child = TAILQ_FIRST(&exec_procs); child != NULL; child = next) {
		next = TAILQ_NEXT(child, p_list);
		if (child->p_parent != p)
			continue;
		child->p_parent = NULL;
		if (child->p_zombie) {
			TAILQ_REMOVE(&exec_procs, child, p_list);
			kmem_free(child, sizeof(*child));
		}
	}
}

/* What it had, but for its program, which is given back last. */
static void give_back(struct proc *p, bool own_memory)
{
	if (time_proc_exec != NULL)
		time_proc_exec();
	if (time_proc_exit != NULL)
		time_proc_exit(p);
	if (own_memory && proc_lwp_exit != NULL)
		proc_lwp_exit(curlwp);
	exec_vfork_done(p);
	vm_map_remove_proc(0, 0);
	if (vfs_proc_exit != NULL)
		vfs_proc_exit(p);
}

static void say(const struct rumpuser_trapframe *tf, int signo)
{
	if (tf != NULL || signo == SIGABRT || signo == SIGSEGV)
		kprintf("kiln: %s (process %d): fatal signal %d\n", curlwp->l_name, curproc->p_pid,
		    signo);
}

void exec_proc_leave(const struct rumpuser_trapframe *tf, int signo, int status)
{
	struct lwp *l = curlwp;
	struct proc *p = l->l_proc;
	bool gone;

	if (p == &proc_first)
		return;
	if (signo != 0)
		say(tf, signo);
	exec_single();
	l->l_userret = 0;
	give_back(p, p->p_vforkdone == NULL);
	/* Pipes: who reads from us sees the end now. */
	fd_proc_exit(p);

	mutex_enter(&proc_lock);
	if (!l->l_exiting) {
		p->p_cputime += lwp_cputime(l);
		l->l_exiting = true;
	}
	p->p_wait = signo != 0 ? signo : (status & 0xff) << 8;
	p->p_zombie = true;
	mutex_exit(&proc_lock);
	if (p->p_sig != NULL)
		sig_proc_exit(p);
	exec_disclaim(p->p_program);

	mutex_enter(&proc_lock);
	l->l_proc = &proc_first;
	orphan(p);
	gone = p->p_parent == NULL;
	if (!gone && p->p_parent->p_sig != NULL && sig_proc_child != NULL && !p->p_parent->p_zombie)
		gone = sig_proc_child(p->p_parent, p);
	if (gone)
		TAILQ_REMOVE(&exec_procs, p, p_list);
	cv_broadcast(&exec_changed);
	mutex_exit(&proc_lock);
	if (gone)
		kmem_free(p, sizeof(*p));
	lwp_exit();
}
