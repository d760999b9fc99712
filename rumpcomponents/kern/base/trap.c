/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traps and preemptions: upcalls on the kernel stack of the current lwp.
 *
 * Whether the program or the kernel was interrupted is told by the stack
 * pointer: kernel code of an lwp runs on its kernel stack, except for the calls
 * that syscalls.master calls LEAF, which count as the program.  If it was the program, its vector
 * registers are live and l_fpulive has them saved should we be switched away from.
 */
#include "base_impl.h"
#include <signal.h>
#include <kern/signalvar.h>
#include <kern/syscallframe.h>
#include <kern/vm_map.h>

extern __typeof(sig_trap) sig_trap __attribute__((weak));
extern __typeof(sig_userret_trap) sig_userret_trap __attribute__((weak));
extern __typeof(syscall_preempted) syscall_preempted __attribute__((weak));

/* A range of instructions that may fault on the program's addresses; offsets are from the field. */
struct ex_entry {
	int32_t ex_start, ex_end, ex_fixup;
};
extern const struct ex_entry __start_ex_table[] __attribute__((weak, visibility("hidden")));
extern const struct ex_entry __stop_ex_table[] __attribute__((weak, visibility("hidden")));

static bool ex_fixup(struct rumpuser_trapframe *tf)
{
	const struct ex_entry *e;

	for (e = __start_ex_table; e < __stop_ex_table; e++) {
		if (tf->rip >= (uintptr_t)&e->ex_start + (uintptr_t)(intptr_t)e->ex_start &&
		    tf->rip < (uintptr_t)&e->ex_end + (uintptr_t)(intptr_t)e->ex_end) {
			tf->rip = (uintptr_t)&e->ex_fixup + (uintptr_t)(intptr_t)e->ex_fixup;
			return true;
		}
	}
	return false;
}

bool cpu_frame_in_program(const struct rumpuser_trapframe *tf)
{
	const struct lwp *l = curlwp;

	return !l->l_kernel &&
	       (tf->rsp < l->l_kstack_base - PAGE_SIZE || tf->rsp > l->l_kstack_top);
}

struct trap_signal {
	int signo, code;
	uintptr_t addr;
};

/* Signal for a trap that is not a page fault. */
static struct trap_signal signal_of(const struct rumpuser_trapframe *tf)
{
	switch (tf->trapno) {
	case RUMPUSER_TRAPNO_DIVIDE:
		return (struct trap_signal){SIGFPE, FPE_INTDIV, tf->rip};
	case RUMPUSER_TRAPNO_DEBUG:
	case RUMPUSER_TRAPNO_BREAKPOINT:
		return (struct trap_signal){SIGTRAP, TRAP_BRKPT, tf->rip};
	case RUMPUSER_TRAPNO_ILLEGAL:
		return (struct trap_signal){SIGILL, ILL_ILLOPN, tf->rip};
	case RUMPUSER_TRAPNO_FPE:
	case RUMPUSER_TRAPNO_SIMD:
		return (struct trap_signal){SIGFPE, FPE_FLTINV, tf->rip};
	case RUMPUSER_TRAPNO_STACK:
	case RUMPUSER_TRAPNO_ALIGN:
		return (struct trap_signal){SIGBUS, BUS_ADRALN, 0};
	default:
		return (struct trap_signal){SIGSEGV, SI_KERNEL, 0};
	}
}

/* Resolve a page fault: 0 or what to tell the program. */
static int page_fault(const struct rumpuser_trapframe *tf, struct trap_signal *ts)
{
	int sicode = SEGV_MAPERR, error;

	lockdebug_fault_enter();
	error = vm_fault(
	    tf->addr, tf->err & RUMPUSER_PFERR_WRITE, tf->err & RUMPUSER_PFERR_EXEC, &sicode);
	lockdebug_fault_exit();
	*ts = (struct trap_signal){SIGSEGV, sicode, tf->addr};
	if (error == EFBIG)
		*ts = (struct trap_signal){SIGBUS, BUS_ADRERR, tf->addr};
	else if (error == ENOMEM)
		ts->signo = SIGKILL; /* out of memory */
	return error;
}

static void return_to_program(struct rumpuser_trapframe *tf)
{
	struct lwp *l = curlwp;

	lockdebug_userret();
	if (__builtin_expect(l->l_userret != 0, 0)) {
		if (l->l_userret & LW_EXIT)
			lwp_exit();
		if (sig_userret_trap != NULL)
			sig_userret_trap(tf);
	}
}

static void program_fault(struct rumpuser_trapframe *tf, const struct trap_signal *ts)
{
	if (ts->signo == SIGKILL) {
		kprintf("kiln: out of memory at a page fault\n");
		base_crash_program(tf, SIGKILL, 0, ts->addr);
	}
	if (sig_trap == NULL || !sig_trap(tf, ts->signo, ts->code, ts->addr))
		base_crash_program(tf, ts->signo, ts->code, ts->addr);
}

void rumpkern_trap(struct rumpuser_trapframe *tf)
{
	struct lwp *l = curlwp;
	/* Who holds off interrupts is not the program, whatever the stack. */
	bool program = cpu_ilevel() == 0 && cpu_frame_in_program(tf);
	/* Coming from the program there was nothing to save (rt_sigreturn leaves the mark set). */
	bool live = program ? false : l->l_fpulive;
	struct trap_signal ts = {SIGSEGV, SEGV_MAPERR, tf->addr};

	if (program)
		l->l_fpulive = true;
	if (tf->trapno != RUMPUSER_TRAPNO_PAGE)
		ts = signal_of(tf);
	else if (cpu_ilevel() == 0 && page_fault(tf, &ts) == 0)
		goto out;
	if (ex_fixup(tf))
		goto out;
	if (!program)
		base_crash_kernel(tf, tf->trapno == RUMPUSER_TRAPNO_PAGE
					  ? "page fault in the kernel"
					  : "trap in the kernel");
	program_fault(tf, &ts);
out:
	if (program)
		return_to_program(tf);
	l->l_fpulive = live;
}

/*
 * The kernel was stopped with something for the program to look at: perhaps behind its last
 * look, on the way out, and a program that computes would not be interrupted again.
 */
static void leave_for_program(struct lwp *l)
{
	if (!l->l_kernel && l->l_userret != 0)
		cpu_look_again();
}

void rumpkern_preempt(struct rumpuser_trapframe *tf)
{
	struct lwp *l = curlwp;
	bool program = cpu_frame_in_program(tf);
	/* Coming from the program there was nothing to save (rt_sigreturn leaves the mark set). */
	bool live = program ? false : l->l_fpulive;

	/*
	 * Kernel code may be on its way back to the program, out of a trap or a signal handler,
	 * with the program's registers in place already.
	 */
	if (!l->l_kernel)
		l->l_fpulive = true;
	cpu_hold();
	cpu_deliver();
	if (syscall_preempted != NULL)
		syscall_preempted(tf);
	if (program) {
		cpu_release();
		return_to_program(tf);
		cpu_hold();
	} else {
		leave_for_program(l);
	}
	l->l_fpulive = live;
}

void rumpkern_replay(void)
{
	struct lwp *l = curlwp;
	bool live = l->l_fpulive;

	if (!l->l_kernel)
		l->l_fpulive = true;
	cpu_deliver();
	leave_for_program(l);
	l->l_fpulive = live;
}

void rumpkern_fatal_trap(struct rumpuser_trapframe *tf, const char *why)
{
	base_crash_kernel(tf, why);
}
