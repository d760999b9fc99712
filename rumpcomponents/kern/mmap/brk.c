/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * brk(2): a range of addresses is set aside at the first call and made accessible
 * as the break moves up.
 */
#include <sys/mman.h>
#include <kern/cpu.h>
#include <kern/proc.h>
#include <kern/sysproto.h>
#include <kern/systm.h>
#include <kern/vm_map.h>

#define BRK_MAX (1UL << 30)

static int move_break(struct proc *p, uintptr_t end)
{
	uintptr_t old = round_page(p->p_brk_end), new = round_page(end);
	int error = 0;

	if (new > old) {
		error = vm_map_protect(old, new - old, PROT_READ | PROT_WRITE);
	} else if (new < old) {
		uintptr_t va = new;
		/* A fresh reservation in its place: contents and promise are gone. */
		error = vm_map_enter(
		    &va, old - new, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	}
	if (!error)
		p->p_brk_end = end;
	return error;
}

long do_sys_brk(void *end)
{
	uintptr_t want = (uintptr_t)end, now;
	struct proc *p = curproc;

	/* One thread of a libc moves the break; a second one sees it where it is. */
	if (__atomic_exchange_n(&p->p_brk_busy, 1, __ATOMIC_ACQUIRE) != 0)
		return (long)p->p_brk_end;
	if (!p->p_brk &&
	    vm_map_enter(&p->p_brk, BRK_MAX, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0) == 0)
		p->p_brk_end = p->p_brk;
	if (p->p_brk && want >= p->p_brk && want <= p->p_brk + BRK_MAX)
		(void)move_break(p, want);
	now = p->p_brk_end;
	__atomic_store_n(&p->p_brk_busy, 0, __ATOMIC_RELEASE);
	return (long)now;
}
