/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal frames, laid out as Linux does on x86-64, because debuggers, unwinders and
 * language runtimes know that layout (and change what is in it):
 *
 *    higher   vector state, 64-byte aligned (XSAVE format if in use)
 *             siginfo_t
 *             struct ucontext
 *    sp ->    return address: sa_restorer, which calls rt_sigreturn
 *
 * The 128 bytes below the interrupted stack pointer are the program's red zone.
 */
#include <kern/cpu_fpu.h>
#include <kern/syscallframe.h>
#include <kern/sysproto.h>
#include "signal_impl.h"

#define RED_ZONE 128
#define FXSAVE_SIZE 512
#define FP_XSTATE_MAGIC1 0x46505853U
#define FP_SW_RESERVED 464 /* in the FXSAVE image: what the kernel says about the rest */
#define UC_FP_XSTATE 1

/* The order of the kernel's struct sigcontext. */
struct sig_mcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint64_t fpstate;
	uint64_t reserved[8];
};
struct sig_ucontext {
	uint64_t uc_flags;
	uint64_t uc_link;
	stack_t uc_stack;
	struct sig_mcontext uc_mcontext;
	uint64_t uc_sigmask;
};
struct sig_frame {
	uint64_t ret;
	struct sig_ucontext uc;
	siginfo_t info;
};
_Static_assert(sizeof(struct sig_mcontext) == 256, "Linux's struct sigcontext");
_Static_assert(sizeof(siginfo_t) == 128, "Linux's siginfo_t");

#define RFLAGS_PROGRAM 0x250dd5ULL /* arithmetic, DF, TF, AC, ID: what a program may set */
#define RFLAGS_ALWAYS 0x202ULL	   /* reserved bit 1, IF */

static void save_context(struct sig_mcontext *mc, const struct rumpuser_trapframe *tf)
{
	*mc = (struct sig_mcontext){.r8 = tf->r8, .r9 = tf->r9, .r10 = tf->r10, .r11 = tf->r11,
	    .r12 = tf->r12, .r13 = tf->r13, .r14 = tf->r14, .r15 = tf->r15, .rdi = tf->rdi,
	    .rsi = tf->rsi, .rbp = tf->rbp, .rbx = tf->rbx, .rdx = tf->rdx, .rax = tf->rax,
	    .rcx = tf->rcx, .rsp = tf->rsp, .rip = tf->rip, .rflags = tf->rflags, .cs = tf->cs,
	    .ss = tf->ss, .err = tf->err, .trapno = tf->trapno, .cr2 = tf->addr};
}

static void load_context(struct rumpuser_trapframe *tf, const struct sig_mcontext *mc)
{
	*tf = (struct rumpuser_trapframe){.r8 = mc->r8, .r9 = mc->r9, .r10 = mc->r10, .r11 = mc->r11,
	    .r12 = mc->r12, .r13 = mc->r13, .r14 = mc->r14, .r15 = mc->r15, .rdi = mc->rdi,
	    .rsi = mc->rsi, .rbp = mc->rbp, .rbx = mc->rbx, .rdx = mc->rdx, .rax = mc->rax,
	    .rcx = mc->rcx, .rsp = mc->rsp, .rip = mc->rip,
	    .rflags = (mc->rflags & RFLAGS_PROGRAM) | RFLAGS_ALWAYS,
	    .trapno = RUMPUSER_TRAPNO_INTR};
}

static bool on_altstack(const struct sigctx *sc, uintptr_t sp)
{
	return !(sc->sc_stack.ss_flags & SS_DISABLE) && sp - (uintptr_t)sc->sc_stack.ss_sp < sc->sc_stack.ss_size;
}

/* The vector registers hold the program's values now; write them to the program's stack. */
static int push_fpstate(uintptr_t at)
{
	struct lwp *l = curlwp;
	uint32_t sw[12] = {0};

	cpu_hold();
	cpu_fpu_save(l);
	cpu_release();
	if (cpu_fpu_size > FXSAVE_SIZE) {
		sw[0] = FP_XSTATE_MAGIC1;
		sw[1] = cpu_fpu_size;
		sw[4] = cpu_fpu_size;
		memcpy((char *)l->l_fpu + FP_SW_RESERVED, sw, sizeof(sw));
	}
	return copyout(l->l_fpu, (void *)at, cpu_fpu_size);
}

int sig_push_frame(struct rumpuser_trapframe *tf, const struct k_sigaction *act, const siginfo_t *info,
    uint64_t oldmask)
{
	struct sigctx *sc = curlwp->l_sigctx;
	uintptr_t sp = tf->rsp - RED_ZONE, fp;
	struct sig_frame f;
	int error;

	if (act->flags & SA_ONSTACK && !(sc->sc_stack.ss_flags & SS_DISABLE) && !on_altstack(sc, tf->rsp))
		sp = (uintptr_t)sc->sc_stack.ss_sp + sc->sc_stack.ss_size;
	fp = (sp - cpu_fpu_size) & ~63UL;
	sp = ((fp - sizeof(f)) & ~15UL) - 8; /* as after a call */
	memset(&f, 0, sizeof(f));
	f.ret = (uintptr_t)act->restorer;
	f.uc.uc_flags = cpu_fpu_size > FXSAVE_SIZE ? UC_FP_XSTATE : 0;
	f.uc.uc_stack = sc->sc_stack;
	if (on_altstack(sc, tf->rsp))
		f.uc.uc_stack.ss_flags = SS_ONSTACK;
	save_context(&f.uc.uc_mcontext, tf);
	f.uc.uc_mcontext.fpstate = fp;
	f.uc.uc_mcontext.oldmask = oldmask;
	f.uc.uc_sigmask = oldmask;
	f.info = *info;
	error = push_fpstate(fp);
	if (!error)
		error = copyout(&f, (void *)sp, sizeof(f));
	if (error)
		return error;
	tf->rip = (uintptr_t)act->handler;
	tf->rsp = sp;
	tf->rdi = info->si_signo;
	tf->rsi = sp + offsetof(struct sig_frame, info);
	tf->rdx = sp + offsetof(struct sig_frame, uc);
	tf->rax = 0;
	tf->rflags &= ~0x500ULL; /* no trap flag, direction up (ABI) */
	tf->err = 0;
	return 0;
}

/* The program's vector state comes from its frame; from here on it is live. */
static int pop_fpstate(uintptr_t at)
{
	struct lwp *l = curlwp;
	uint32_t *mxcsr;
	int error;

	if (at == 0)
		return 0;
	l->l_fpulive = false; /* the area is ours until the registers are loaded */
	error = copyin((void *)at, l->l_fpu, cpu_fpu_size);
	if (error)
		return error;
	/* What the registers cannot take would fault: reserved MXCSR bits, a bad XSAVE header. */
	mxcsr = (uint32_t *)((char *)l->l_fpu + 24);
	*mxcsr &= 0xffff;
	if (cpu_fpu_size > FXSAVE_SIZE) {
		uint64_t *header = (uint64_t *)((char *)l->l_fpu + FXSAVE_SIZE);
		header[0] &= cpu_fpu_mask();
		memset(header + 1, 0, 56);
	}
	cpu_hold();
	l->l_fpulive = true;
	cpu_fpu_restore(l);
	cpu_release();
	return 0;
}

long do_sys_rt_sigreturn(void)
{
	struct sigctx *sc = curlwp->l_sigctx;
	uintptr_t at = syscallframe_sp(syscallframe_current());
	struct rumpuser_trapframe tf;
	struct sig_ucontext uc;

	if (!sc || copyin((void *)at, &uc, sizeof(uc)) != 0)
		proc_killed(SIGSEGV);
	load_context(&tf, &uc.uc_mcontext);
	mutex_enter(&sig_lock);
	sig_set_mask(sc, uc.uc_sigmask);
	mutex_exit(&sig_lock);
	if (pop_fpstate(uc.uc_mcontext.fpstate) != 0)
		proc_killed(SIGSEGV);
	if (curlwp->l_userret)
		syscall_userret(&tf, syscallframe_current());
	syscall_resume(&tf);
}
