/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delivery: entering a handler, and coming back from it.
 *
 * Every way back to the program that has something to look at ends in sig_userret_trap() with a
 *trap frame of the program.  Entering a handler pushes Linux's frame on the program's stack (or the
 *alternate one), below the red zone, and points the trap frame at the handler:
 *
 *	| red zone | vector state | siginfo | ucontext | return address | <- rsp of the handler
 *
 * The handler returns to libc's restorer, which jumps to rt_sigreturn: the stack pointer
 * it comes with is that of the ucontext.  What the handler has changed in it is loaded; the
 * program can harm nobody but itself with that, so only what would fault in the
 * kernel is put right: flags, and the header of the vector state.
 */
#include <rumpuser.h>
#include <ucontext.h>
#include <kern/cpu_fpu.h>
#include <kern/strace.h>
#include <kern/syscallframe.h>
#include <kern/sysproto.h>
#include "signal_impl.h"

#define RED_ZONE 128

/* libc's mark, in the thread's memory: "in a cancellable call" (its syscall_arch.h). */
#define TP_CP		     32
#define UC_CP		     0

#define FLAGS_PROGRAM	     0xcd5UL   /* CF PF AF ZF SF DF OF */
#define FLAGS_CLEARED	     0x10500UL /* RF DF TF: not for a handler */
#define UC_SIGCONTEXT_SS     2
#define UC_STRICT_RESTORE_SS 4
#define UC_FP_XSTATE	     1

/* Linux's struct ucontext: libc's continues behind the mask. */
struct kucontext {
	unsigned long uc_flags;
	void *uc_link;
	stack_t uc_stack;
	mcontext_t uc_mcontext;
	uint64_t uc_sigmask;
};
_Static_assert(
    offsetof(struct kucontext, uc_sigmask) == offsetof(ucontext_t, uc_sigmask), "libc's layout");

struct sigframe {
	uintptr_t sf_return;
	struct kucontext sf_uc;
	siginfo_t sf_info;
};

/* The last words of the legacy area say what follows it (Linux's struct _fpx_sw_bytes). */
#define FX_SIZE	      512
#define FX_SW	      464
#define FX_MXCSR      24
#define FX_MXCSR_MASK 28
#define XSTATE_HEADER 64
#define MAGIC1	      0x46505853U
#define MAGIC2	      0x46505845U

struct fx_sw {
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size, pad[7];
};
_Static_assert(sizeof(struct fx_sw) == FX_SIZE - FX_SW, "in its place");

static size_t fpu_frame_size(void)
{
	return cpu_fpu_size + (cpu_fpu_size > FX_SIZE ? sizeof(uint32_t) : 0);
}

/* The current vector state to the program's memory at to, 64-aligned; then a fresh one is loaded.
 */
static int fpu_push(uintptr_t to)
{
	static const uint32_t mxcsr = 0x1f80, magic2 = MAGIC2;
	struct lwp *l = curlwp;
	struct fx_sw sw = {0};
	int error;

	cpu_hold();
	cpu_fpu_save(l);
	cpu_release();
	if (cpu_fpu_size > FX_SIZE) {
		sw = (struct fx_sw){
		    MAGIC1, cpu_fpu_size + sizeof(magic2), cpu_fpu_mask(), cpu_fpu_size, {0}};
		error = copyout(&magic2, (void *)(to + cpu_fpu_size), sizeof(magic2));
		if (error)
			return error;
	}
	error = copyout(l->l_fpu, (void *)to, cpu_fpu_size);
	if (!error)
		error = copyout(&sw, (void *)(to + FX_SW), sizeof(sw));
	if (!error)
		__asm__ volatile("fninit\n\tldmxcsr %0" ::"m"(mxcsr));
	return error;
}

/* Load vector state from the program's memory; 0 there: leave it alone. */
static int fpu_pop(uintptr_t from)
{
	struct lwp *l = curlwp;
	char *area = l->l_fpu;
	uint32_t mask, *mxcsr = (uint32_t *)(area + FX_MXCSR);
	uint64_t *header = (uint64_t *)(area + FX_SIZE);
	struct fx_sw sw;
	int error;

	if (!from)
		return 0;
	/* Nobody else writes the save area while the registers are not live. */
	l->l_fpulive = false;
	cpu_hold();
	cpu_fpu_save(l);
	cpu_release();
	mask = *(uint32_t *)(area + FX_MXCSR_MASK);
	error = copyin((void *)(from + FX_SW), &sw, sizeof(sw));
	if (!error)
		error = copyin((void *)from, area, FX_SIZE);
	if (!error && cpu_fpu_size > FX_SIZE && sw.magic1 == MAGIC1)
		error = copyin((void *)(from + FX_SIZE), area + FX_SIZE, cpu_fpu_size - FX_SIZE);
	if (error)
		return error;
	*mxcsr &= mask ? mask : 0xffbf;
	if (cpu_fpu_size > FX_SIZE) {
		header[0] = sw.magic1 == MAGIC1 ? header[0] & cpu_fpu_mask() : 3;
		memset(header + 1, 0, XSTATE_HEADER - sizeof(*header));
	}
	cpu_hold();
	cpu_fpu_restore(l);
	l->l_fpulive = true;
	cpu_release();
	return 0;
}

/*
 * libc's mark belongs to the context that a handler interrupts: it is taken from there, so
 * that the handler begins outside of any call, and given back when that context goes on.
 * Anything but 1 is not libc's, and left alone.
 */
static bool take_cp_mark(void)
{
	volatile uint32_t *mark = (uint32_t *)(curlwp->l_tls + TP_CP);
	uint32_t value;

	return curlwp->l_tls && ufetch_32(mark, &value) == 0 && value == 1 &&
	       ustore_32(mark, 0) == 0;
}

static void give_cp_mark(const struct kucontext *uc)
{
	if (curlwp->l_tls && uc->uc_mcontext.__reserved1[UC_CP] == 1)
		(void)ustore_32((volatile uint32_t *)(curlwp->l_tls + TP_CP), 1);
}

static bool on_altstack(const stack_t *ss, uintptr_t sp)
{
	return !(ss->ss_flags & SS_DISABLE) && sp - (uintptr_t)ss->ss_sp - 1 < ss->ss_size;
}

static void save_context(struct kucontext *uc, const struct rumpuser_trapframe *tf)
{
	const greg_t regs[] = {tf->r8, tf->r9, tf->r10, tf->r11, tf->r12, tf->r13, tf->r14, tf->r15,
	    tf->rdi, tf->rsi, tf->rbp, tf->rbx, tf->rdx, tf->rax, tf->rcx, tf->rsp, tf->rip,
	    tf->rflags, 0x2b000000000033, tf->err, tf->trapno, 0, tf->addr};

	_Static_assert(sizeof(regs) <= sizeof(uc->uc_mcontext.gregs), "Linux's order");
	memcpy(uc->uc_mcontext.gregs, regs, sizeof(regs));
}

static void load_context(struct rumpuser_trapframe *tf, const struct kucontext *uc)
{
	const greg_t *r = uc->uc_mcontext.gregs;
	uint64_t flags;

	memset(tf, 0, sizeof(*tf));
	__asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags));
	tf->r8 = r[0];
	tf->r9 = r[1];
	tf->r10 = r[2];
	tf->r11 = r[3];
	tf->r12 = r[4];
	tf->r13 = r[5];
	tf->r14 = r[6];
	tf->r15 = r[7];
	tf->rdi = r[8];
	tf->rsi = r[9];
	tf->rbp = r[10];
	tf->rbx = r[11];
	tf->rdx = r[12];
	tf->rax = r[13];
	tf->rcx = r[14];
	tf->rsp = r[15];
	tf->rip = r[16];
	tf->rflags = (r[17] & FLAGS_PROGRAM) | (flags & ~FLAGS_PROGRAM);
	tf->trapno = RUMPUSER_TRAPNO_INTR;
}

/* Frame on the program's stack; on success tf enters the handler. */
static int push_frame(struct rumpuser_trapframe *tf, struct sigctx *sc,
    const struct k_sigaction *act, const siginfo_t *info)
{
	struct sigframe f = {.sf_return = (uintptr_t)act->restorer, .sf_info = *info};
	uintptr_t sp = tf->rsp - RED_ZONE, fp;
	int error;

	if (act->flags & SA_ONSTACK && !on_altstack(&sc->sc_altstack, tf->rsp) &&
	    !(sc->sc_altstack.ss_flags & SS_DISABLE))
		sp = (uintptr_t)sc->sc_altstack.ss_sp + sc->sc_altstack.ss_size;
	fp = ROUNDDOWN(sp - fpu_frame_size(), 64);
	sp = ROUNDDOWN(fp - sizeof(f), 16) - 8;
	f.sf_uc.uc_flags =
	    UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (cpu_fpu_size > FX_SIZE ? UC_FP_XSTATE : 0);
	f.sf_uc.uc_stack = sc->sc_altstack;
	f.sf_uc.uc_sigmask = sc->sc_restore ? sc->sc_oldmask : sc->sc_mask;
	save_context(&f.sf_uc, tf);
	f.sf_uc.uc_mcontext.fpregs = (void *)fp;
	f.sf_uc.uc_mcontext.__reserved1[UC_CP] = take_cp_mark();
	error = copyout(&f, (void *)sp, sizeof(f));
	if (!error)
		error = fpu_push(fp);
	if (error)
		return error;
	sc->sc_restore = false;
	tf->rdi = info->si_signo;
	tf->rsi = sp + offsetof(struct sigframe, sf_info);
	tf->rdx = sp + offsetof(struct sigframe, sf_uc);
	tf->rax = 0;
	tf->rsp = sp;
	tf->rip = (uintptr_t)act->handler;
	tf->rflags &= ~FLAGS_CLEARED;
	return 0;
}

static void fatal(struct rumpuser_trapframe *tf, const siginfo_t *info) __attribute__((noreturn));
static void fatal(struct rumpuser_trapframe *tf, const siginfo_t *info)
{
	static const uint64_t core = SIG_BIT(SIGQUIT) | SIG_BIT(SIGILL) | SIG_BIT(SIGTRAP) |
				     SIG_BIT(SIGABRT) | SIG_BIT(SIGBUS) | SIG_BIT(SIGFPE) |
				     SIG_BIT(SIGSEGV) | SIG_BIT(SIGSYS);

	if (strace_signal != NULL)
		strace_signal(info, true);
	if (core & SIG_BIT(info->si_signo))
		base_crash_program(tf, info->si_signo, info->si_code, 0);
	proc_killed(info->si_signo);
}

/* Have tf enter the handler; not to be able to is the end, as it is under Linux. */
static void enter_handler(struct rumpuser_trapframe *tf, struct sigctx *sc,
    const struct k_sigaction *act, const siginfo_t *info)
{
	uint64_t mask = sc->sc_mask | act->mask;
	uintptr_t sp = tf->rsp;

	if (strace_signal != NULL)
		strace_signal(info, false);
	if (tf->trapno == RUMPUSER_TRAPNO_INTR && tf->err == ERESTART) {
		if (!(act->flags & SA_RESTART))
			syscall_eintr(tf);
		tf->err = 0;
	}
	if (push_frame(tf, sc, act, info) != 0) {
		kprintf("kiln: no stack for the handler of signal %d\n", info->si_signo);
		base_crash_program(tf, SIGSEGV, SEGV_MAPERR, sp);
	}
	if (!(act->flags & SA_NODEFER))
		mask |= SIG_BIT(info->si_signo);
	sig_setmask(mask);
}

static void deliver_all(struct rumpuser_trapframe *tf, struct sigctx *sc)
{
	struct k_sigaction act;
	siginfo_t info;
	int signo;

	while ((signo = sig_take(sc, ~sc->sc_mask, &info, &act)) != 0) {
		if (act.handler == SIG_IGN)
			continue;
		if (act.handler != SIG_DFL)
			enter_handler(tf, sc, &act, &info);
		else if (!(SIG_DEFAULT_IGNORED & SIG_BIT(signo)))
			fatal(tf, &info);
	}
}

void sig_userret_trap(struct rumpuser_trapframe *tf)
{
	struct lwp *l = curlwp;
	struct sigctx *sc = l->l_sigctx;
	bool live = l->l_fpulive;

	l->l_fpulive = true; /* a handler that is entered below returns to these registers */
	for (;;) {
		__atomic_fetch_and(&l->l_userret, ~(uint32_t)LW_PENDSIG, __ATOMIC_SEQ_CST);
		deliver_all(tf, sc);
		if (!sc->sc_restore)
			break;
		sc->sc_restore = false;
		sig_setmask(sc->sc_oldmask);
	}
	l->l_fpulive = live;
	if (sc->sc_cancelled)
		sc->sc_cancel = sc->sc_cancelled = false;
	if (sc->sc_cancel)
		__atomic_fetch_or(&l->l_userret, LW_PENDSIG, __ATOMIC_SEQ_CST);
}

bool sig_trap(struct rumpuser_trapframe *tf, int signo, int code, uintptr_t addr)
{
	struct sigctx *sc = curlwp->l_sigctx;
	struct k_sigaction act;
	siginfo_t info;

	mutex_enter(&sig_lock);
	act = sc->sc_proc->sp_actions[signo - 1];
	if (act.flags & SA_RESETHAND)
		sc->sc_proc->sp_actions[signo - 1].handler = SIG_DFL;
	mutex_exit(&sig_lock);
	if (act.handler == SIG_DFL || act.handler == SIG_IGN || sc->sc_mask & SIG_BIT(signo))
		return false;
	sig_makeinfo(&info, signo, code);
	info.si_addr = (void *)addr;
	enter_handler(tf, sc, &act, &info);
	return true;
}

void sig_suspend_mask(uint64_t mask)
{
	struct sigctx *sc = curlwp->l_sigctx;

	if (!sc->sc_restore)
		sc->sc_oldmask = sc->sc_mask;
	sc->sc_restore = true;
	sig_setmask(mask);
	__atomic_fetch_or(&curlwp->l_userret, LW_PENDSIG, __ATOMIC_SEQ_CST);
}

long do_sys_rt_sigreturn(void)
{
	struct rumpuser_trapframe tf;
	struct kucontext uc;
	uintptr_t at = syscallframe_sp(syscallframe_current());
	struct lwp *l = curlwp;
	int error = copyin((void *)at, &uc, sizeof(uc));

	if (!error) {
		load_context(&tf, &uc);
		error = fpu_pop((uintptr_t)uc.uc_mcontext.fpregs);
	}
	if (error) {
		kprintf("kiln: the frame of a signal handler at %lx is gone\n", at);
		proc_killed(SIGSEGV);
	}
	if (!on_altstack(&uc.uc_stack, tf.rsp))
		l->l_sigctx->sc_altstack = uc.uc_stack;
	give_cp_mark(&uc);
	sig_setmask(uc.uc_sigmask);
	l->l_fpulive = true;
	if (l->l_userret & LW_EXIT)
		lwp_exit();
	if (l->l_userret & LW_PENDSIG)
		sig_userret_trap(&tf);
	tf.err = 0;
	l->l_fpulive = false;
	syscall_resume(&tf);
}

long do_sys_sigaltstack(const stack_t *ss, stack_t *oss)
{
	struct sigctx *sc = curlwp->l_sigctx;
	stack_t new, old = sc->sc_altstack;
	bool busy = on_altstack(&old, syscallframe_sp(syscallframe_current()));
	int error = 0;

	old.ss_flags = old.ss_flags & SS_DISABLE ? SS_DISABLE : busy ? SS_ONSTACK : 0;
	if (ss) {
		error = copyin(ss, &new, sizeof(new));
		if (!error && busy)
			error = EPERM;
		if (!error && new.ss_flags & ~(SS_DISABLE | SS_ONSTACK))
			error = EINVAL;
		if (!error && !(new.ss_flags &SS_DISABLE) && new.ss_size < MINSIGSTKSZ)
			error = ENOMEM;
	}
	if (!error && oss)
		error = copyout(&old, oss, sizeof(old));
	if (!error && ss) {
		if (new.ss_flags & SS_DISABLE)
			new = (stack_t){.ss_flags = SS_DISABLE};
		else
			new.ss_flags = 0;
		sc->sc_altstack = new;
	}
	return sysret(error, 0);
}

/* LEAF: see libc's pthread_cancel.c. */
long do_sys_kiln_cancel(int on)
{
	struct lwp *l = curlwp;

	l->l_sigctx->sc_cancelled = false;
	l->l_sigctx->sc_cancel = on != 0;
	if (on)
		__atomic_fetch_or(&l->l_userret, LW_PENDSIG, __ATOMIC_SEQ_CST);
	return 0;
}
