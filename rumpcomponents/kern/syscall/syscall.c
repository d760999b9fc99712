/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C side of system-call entry: leaving with something to look at, calls by
 * number, calls that nobody implements.
 */
#include <rumpuser.h> /* before <kern/cpu.h>, which defines curlwp */
#include <stdatomic.h>
#include <kern/cpu.h>
#include <kern/lwp.h>
#include <kern/signalvar.h>
#include <kern/syscallframe.h>
#include <kern/systm.h>
#include "syscall_impl.h"

/* Only if linked: LW_PENDSIG is set by nobody else. */
extern __typeof(sig_userret_trap) sig_userret_trap __attribute__((weak));

_Static_assert(offsetof(struct rumpuser_trapframe, cs) == 19 * 8, "entry.S");
_Static_assert(offsetof(struct rumpuser_trapframe, ss) == 22 * 8, "entry.S");

/*
 * Resuming tf will run the call again: all of the program's registers that the stub
 * was entered with are known.
 */
static void restart(struct rumpuser_trapframe *tf, const struct syscallframe *sf)
{
	tf->rip = sf->sf_stub;
	tf->rsp = syscallframe_sp(sf);
	tf->rdi = sf->sf_args[0];
	tf->rsi = sf->sf_args[1];
	tf->rdx = sf->sf_args[2];
	tf->rcx = sf->sf_args[3];
	tf->r8 = sf->sf_args[4];
	tf->r9 = sf->sf_args[5];
	tf->err = ERESTART;
}

void syscall_userret(struct rumpuser_trapframe *tf, struct syscallframe *sf)
{
	uint32_t why = curlwp->l_userret;

	if ((long)tf->rax == -ERESTART)
		restart(tf, sf);
	if (why & LW_EXIT)
		lwp_exit();
	if (why & LW_PENDSIG)
		sig_userret_trap(tf);
	tf->err = 0;
}

void syscall_eintr(struct rumpuser_trapframe *tf)
{
	/* The return address is still where the stub found it. */
	tf->rip = *(const uint64_t *)tf->rsp;
	tf->rsp += 8;
	tf->rax = (uint64_t)-EINTR;
	tf->err = 0;
}

void syscall_preempted(struct rumpuser_trapframe *tf)
{
	/*
	 * Up to and including `leave`, looking again is harmless.  At `ret` the
	 * stack is the program's already: an ordinary place in the program.
	 */
	if (tf->rip > (uintptr_t)syscall_exit && tf->rip < (uintptr_t)syscall_exit_end - 1)
		tf->rip = (uintptr_t)syscall_exit;
}

/*
 * Is this the first time that number comes by?  Of numbers that no table has, the first few are
 * remembered and the rest passed over: a program that tries them all is not to fill the console.
 */
static bool first_time(long number)
{
	static _Atomic uint64_t said[8];
	static _Atomic long others[8];

	if (number >= 0 && (size_t)number < 64 * NELEM(said)) {
		uint64_t bit = UINT64_C(1) << number % 64;
		return (atomic_fetch_or(&said[number / 64], bit) & bit) == 0;
	}
	for (size_t i = 0; i < NELEM(others); i++) {
		long found = 0; /* 0 is a number of the other table */
		if (atomic_compare_exchange_strong(&others[i], &found, number))
			return true;
		if (found == number)
			return false;
	}
	return false;
}

long syscall_unimplemented(const char *name)
{
	if (first_time(syscallframe_number(syscallframe_current())))
		kprintf("kiln: system call %s is not implemented\n", name);
	return -ENOSYS;
}

long syscall_unknown(long number)
{
	if (first_time(number))
		kprintf("kiln: system call number %ld is not in this image\n", number);
	return -ENOSYS;
}

/*
 * On the program's stack, for sys_indirect().  0 if the image does not have the
 * call: the program never calls it by name.
 */
uintptr_t syscall_lookup(long number)
{
	const struct syscall_entry *e;

	for (e = __kiln_sysent_start; e < __kiln_sysent_end; e++)
		if (e->number == number)
			return (uintptr_t)((const char *)&e->offset + e->offset);
	return 0;
}
