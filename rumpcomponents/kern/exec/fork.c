/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes begin, vfork(2), and wait for each other.
 *
 * A child of vfork(2) runs on its parent's stack and data until it calls execve(2) or ends; the
 * parent's lwp sleeps that long, and no signal wakes it.  What the child's calls have left on the
 * stack between the parent's system call and the caller of vfork() is put back then.
 */
#include <kern/kmem.h>
#include <kern/syscallframe.h>
#include "exec_impl.h"

struct proclist exec_procs = TAILQ_HEAD_INITIALIZER(exec_procs);

struct proc *exec_find(int pid)
{
	struct proc *p;

	if (pid == proc_first.p_pid)
		return &proc_first;
	TAILQ_FOREACH (p, &exec_procs, p_list)
		if (p->p_pid == pid)
			break;
	return p;
}

void exec_unfork(struct proc *p)
{
	if (vfs_proc_exit != NULL)
		vfs_proc_exit(p);
	if (time_proc_exit != NULL)
		time_proc_exit(p);
	if (p->p_sig != NULL)
		sig_proc_exit(p);
	if (p->p_fd != NULL)
		fd_proc_exit(p);
	kmem_free(p, sizeof(*p));
}

int exec_fork(struct proc **pp)
{
	struct proc *p = kmem_zalloc(sizeof(*p));
	int error;

	if (p == NULL)
		return ENOMEM;
	error = fd_proc_fork(p);
	if (error == 0 && sig_proc_fork != NULL)
		error = sig_proc_fork(p);
	if (error == 0 && time_proc_fork != NULL)
		error = time_proc_fork(p);
	if (error == 0 && vfs_proc_fork != NULL)
		error = vfs_proc_fork(p);
	if (error != 0)
		exec_unfork(p);
	*pp = p;
	return error;
}

void exec_enter(struct proc *p, int pid, struct proc *parent)
{
	mutex_enter(&proc_lock);
	p->p_pid = pid;
	p->p_parent = parent;
	TAILQ_INSERT_TAIL(&exec_procs, p, p_list);
	mutex_exit(&proc_lock);
}

void exec_vfork_done(struct proc *p)
{
	mutex_enter(&proc_lock);
	if (p->p_vforkdone != NULL) {
		*p->p_vforkdone = true;
		p->p_vforkdone = NULL;
		cv_broadcast(&exec_changed);
	}
	mutex_exit(&proc_lock);
}

long exec_vfork(void (*entry)(void *), void *stack, size_t keep)
{
	void *frame = (void *)syscallframe_current()->sf_frame;
	volatile bool done = false;
	char kept[EXEC_KEEP];
	struct proc *p;
	struct lwp *l;
	int error, pid;

	if (keep > sizeof(kept) || (uintptr_t)stack % 8 != 0)
		return sysret(EINVAL, 0);
	error = copyin(frame, kept, keep);
	if (error == 0)
		error = exec_fork(&p);
	if (error != 0)
		return sysret(error, 0);
	error = lwp_create_user(
	    p, (uintptr_t)entry, (uintptr_t)stack, (uintptr_t)stack, curlwp->l_tls, &l);
	if (error != 0) {
		exec_unfork(p);
		return sysret(EAGAIN, 0);
	}
	pid = l->l_lid;
	p->p_vforkdone = &done;
	exec_enter(p, pid, curproc);
	lwp_start(l);
	mutex_enter(&proc_lock);
	while (!done)
		cv_wait(&exec_changed, &proc_lock);
	mutex_exit(&proc_lock);
	error = copyout(kept, frame, keep);
	return sysret(error, pid);
}

/* Is p one that is waited for? */
static bool wanted(const struct proc *p, int pid)
{
	return p->p_parent == curproc && (pid == -1 || p->p_pid == pid);
}

int exec_wait(int pid, bool nohang, bool reap, struct exec_child *c)
{
	struct proc *p;
	int error = 0;
	bool any;

	c->ec_pid = 0;
	mutex_enter(&proc_lock);
	for (;;) {
		any = false;
		TAILQ_FOREACH (p, &exec_procs, p_list) {
			any |= wanted(p, pid);
			if (wanted(p, pid) && p->p_zombie)
				break;
		}
		if (p != NULL || !any || nohang || error != 0)
			break;
		error = cv_wait_sig(&exec_changed, &proc_lock);
	}
	if (p != NULL) {
		*c = (struct exec_child){p->p_pid, p->p_wait, p->p_cputime};
		if (reap)
			TAILQ_REMOVE(&exec_procs, p, p_list);
		error = 0;
	} else if (!any) {
		error = ECHILD;
	}
	mutex_exit(&proc_lock);
	if (p != NULL && reap)
		kmem_free(p, sizeof(*p));
	return error;
}
