/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boundary between the program and the kernel, for those who must look
 * across it: signal delivery, thread start, tracing, backtraces.
 *
 * A STD system call enters through a stub (rumpcomponents/kern/syscall/stub.h) that
 * leaves the program's stack for the top of the lwp's kernel stack, where it puts a
 * struct syscallframe, and calls do_sys_x() with the arguments still in
 * their registers.  %rbp keeps pointing at the program's stack, so the chain of frame
 * pointers goes straight on from do_sys_x() into the program.
 *
 * The way out is one piece of code, syscall_exit.  If nothing waits (l_userret is 0)
 * and the result is not -ERESTART, it returns into the program.  Otherwise it makes a
 * full trap frame of the program's state after the call and gives it to
 * syscall_userret(); what is in the frame afterwards is resumed.  Signal
 * delivery thus knows one kind of frame, whichever way the kernel was entered.
 *
 * RESTART.  A call that a signal broke returns -ERESTART.  syscall_userret() makes
 * the frame such that resuming it runs the call again, and marks it by
 * tf->err == ERESTART.  Who then delivers a handler that was installed without
 * SA_RESTART calls syscall_eintr(tf) first, which makes it a return of -EINTR;
 * with SA_RESTART the handler's return runs the call again.  Clear tf->err either way.
 *
 * PREEMPTION between syscall_exit's look at l_userret and its return could overlook a
 * signal: rumpkern_preempt() calls syscall_preempted(tf), which sets such a frame
 * back to the look.
 */
#ifndef KERN_SYSCALLFRAME_H
#define KERN_SYSCALLFRAME_H

#include <stddef.h>
#include <stdint.h>

struct rumpuser_trapframe;

/* At the top of the kernel stack while a STD call runs; the layout is the stubs'. */
struct syscallframe {
	uintptr_t sf_stub;  /* the stub: calling it again restarts the call */
	uintptr_t sf_frame; /* program's frame: [0] its rbp, [1] where it continues */
	unsigned long sf_args[6];
};
_Static_assert(sizeof(struct syscallframe) == 64, "stub.h relies on it");

/* The program's stack pointer at the call, pointing at the return address. */
static inline uintptr_t syscallframe_sp(const struct syscallframe *sf)
{
	return sf->sf_frame + 8;
}

/* The number of the call that sf is about; it stands before its stub. */
static inline int syscallframe_number(const struct syscallframe *sf)
{
	return ((const int *)sf->sf_stub)[-1];
}

#ifndef KILN_NATIVE
/* Frame of the STD call that the current lwp is in. */
static inline struct syscallframe *syscallframe_current(void)
{
	uintptr_t top;
	__asm__("movq %%gs:16, %0" : "=r"(top));
	return (struct syscallframe *)top - 1;
}
#endif

/*
 * On the way back to the program with something to look at; runs on the kernel
 * stack, may sleep, may not return (LW_EXIT).  Provided by kern/syscall: ends the lwp
 * for LW_EXIT, calls sig_userret_trap(tf) for LW_PENDSIG.
 */
void syscall_userret(struct rumpuser_trapframe *tf, struct syscallframe *sf);

/* Make a frame that would restart its call return -EINTR instead. */
void syscall_eintr(struct rumpuser_trapframe *tf);

/*
 * Load the whole state from tf and go on there, in the program: rt_sigreturn, and
 * the first entry of a program lwp.  tf->cs and tf->ss are ignored: there is
 * one privilege level.  Not with ilevel raised.
 */
void syscall_resume(struct rumpuser_trapframe *tf) __attribute__((noreturn));

/* Fix up a preempted frame as described above.  Any tf; cheap. */
void syscall_preempted(struct rumpuser_trapframe *tf);

#endif
