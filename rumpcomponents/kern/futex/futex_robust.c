/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Robust lists (get_robust_list(2)): the locks that a thread holds, kept by libc
 * in the thread's own memory.  When the thread ends without unlocking them, they are marked and one
 * waiter each is woken.  The list is the program's: every pointer is
 * fetched with copyin, and its length is bounded.
 */
#include <kern/futexvar.h>
#include <kern/sysproto.h>
#include "futex_impl.h"

#define ROBUST_MAX 2048 /* entries; as Linux */

static void owner_died(uint32_t *word, uint32_t tid)
{
	if (((uintptr_t)word & 3) == 0 && futex_owner_died(word, tid))
		(void)futex_wake_addr((int *)word, 1);
}

/* Of what it was about to lock or unlock.  Unlocked already, it would have gone on to wake one. */
static void pending_died(uintptr_t entry, long offset, uint32_t tid)
{
	uint32_t *word = (uint32_t *)((entry & ~1UL) + offset), value;

	owner_died(word, tid);
	if (!(entry & 1) && ((uintptr_t)word & 3) == 0 && ufetch_32(word, &value) == 0 && !value)
		(void)futex_wake_addr((int *)word, 1);
}

static void walk_list(struct lwp *l)
{
	struct robust_list_head head;
	struct robust_list *entry, next;
	uint32_t tid = l->l_lid;

	if (!l->l_robust_list || copyin(l->l_robust_list, &head, sizeof(head)) != 0)
		return;
	entry = head.list.next;
	for (unsigned n = 0; n < ROBUST_MAX && entry != l->l_robust_list; n++) {
		/* The lowest bit marks priority-inheriting locks. */
		struct robust_list *this = (struct robust_list *)((uintptr_t)entry & ~1UL);
		if (copyin(this, &next, sizeof(next)) != 0)
			return;
		if (this != head.list_op_pending)
			owner_died((uint32_t *)((char *)this + head.futex_offset), tid);
		entry = next.next;
	}
	if (head.list_op_pending)
		pending_died((uintptr_t)head.list_op_pending, head.futex_offset, tid);
}

void futex_exit_robust(struct lwp *l)
{
	walk_list(l);
	futex_exit_pi(l);
}

long do_sys_set_robust_list(void *head, size_t len)
{
	if (len != sizeof(struct robust_list_head))
		return sysret(EINVAL, 0);
	curlwp->l_robust_list = head;
	return 0;
}

long do_sys_get_robust_list(int tid, void **head, size_t *len)
{
	size_t size = sizeof(struct robust_list_head);
	struct lwp *l;
	void *list;
	int error;

	mutex_enter(&proc_lock);
	l = tid == 0 ? curlwp : lwp_find(tid);
	list = l ? l->l_robust_list : NULL;
	mutex_exit(&proc_lock);
	if (!l)
		return sysret(ESRCH, 0);
	error = copyout(&list, head, sizeof(list));
	if (!error)
		error = copyout(&size, len, sizeof(size));
	return sysret(error, 0);
}
