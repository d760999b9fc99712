/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads begin and end.
 *
 * clone(2) itself cannot be served: here a system call is a function call, and
 * the child would have no frame to return to.  libc uses kiln_thread, which names
 * the function that the child starts in.
 */
#include <sched.h>
#include <kern/futexvar.h>
#include <kern/proc.h>
#include <kern/sysproto.h>
#include <kern/systm.h>
#include <kern/vm_map.h>
#include <kern/cpu.h>

/* kern/base calls it for every program lwp that ends. */
void proc_lwp_exit(struct lwp *l)
{
	int *tid = l->l_clear_child_tid;

	if (futex_exit_robust != NULL)
		futex_exit_robust(l);
	if (tid == NULL || (uintptr_t)tid % 4 != 0)
		return;
	l->l_clear_child_tid = NULL;
	if (ustore_32((volatile uint32_t *)tid, 0) == 0 && futex_wake_addr != NULL)
		(void)futex_wake_addr(tid, 1);
}

#define THREAD_FLAGS (CLONE_VM | CLONE_THREAD)

long do_sys_kiln_thread(unsigned long flags, void *stack, int *ptid, int *ctid, unsigned long tls,
    void (*entry)(void *))
{
	struct lwp *l;
	int error, lid;

	if ((flags & THREAD_FLAGS) != THREAD_FLAGS || stack == NULL || (uintptr_t)stack % 8 != 0)
		return sysret(EINVAL, 0);
	if (!(flags & CLONE_SETTLS))
		tls = curlwp->l_tls;
	error =
	    lwp_create_user(curproc, (uintptr_t)entry, (uintptr_t)stack, (uintptr_t)stack, tls, &l);
	if (error != 0)
		return sysret(EAGAIN, 0);
	lid = l->l_lid;
	/* As in Linux, a bad address here is the caller's loss. */
	if (flags & CLONE_PARENT_SETTID)
		(void)copyout(&lid, ptid, sizeof(lid));
	if (flags & CLONE_CHILD_SETTID)
		(void)copyout(&lid, ctid, sizeof(lid));
	if (flags & CLONE_CHILD_CLEARTID)
		l->l_clear_child_tid = ctid;
	lwp_start(l); /* from here on l may be gone */
	return lid;
}

long do_sys_kiln_unmapself(void *base, size_t len)
{
	(void)vm_map_remove((uintptr_t)base, len);
	lwp_exit();
}

/* What Linux does with a copy of the address space cannot be done in one address space. */
static long no_fork(const char *what)
{
	static bool said;

	if (!__atomic_exchange_n(&said, true, __ATOMIC_RELAXED))
		kprintf("kiln: %s: all programs share one address space, which cannot be copied; "
			"posix_spawn() and vfork() with execve() start programs of this image\n",
		    what);
	return sysret(ENOSYS, 0);
}

long do_sys_clone(unsigned long flags, void *stack, int *ptid, int *ctid, unsigned long tls)
{
	return no_fork("clone");
}

long do_sys_fork(void)
{
	return no_fork("fork");
}

long do_sys_exit(int status)
{
	if (curlwp->l_lid == curproc->p_pid)
		curproc->p_status = status;
	lwp_exit();
}

long do_sys_exit_group(int status)
{
	proc_exit(status);
}

long do_sys_set_tid_address(int *tid)
{
	curlwp->l_clear_child_tid = tid;
	return curlwp->l_lid;
}

long do_sys_gettid(void)
{
	return curlwp->l_lid;
}
