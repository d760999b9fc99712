/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals are the machine's interrupts and traps.
 *
 * A handler runs on the thread's alternative stack, with all interrupt
 * signals blocked.  It never runs kern's code that may sleep: to call
 * rumpkern_preempt() or rumpkern_trap() it copies the interrupted registers to
 * the lwp's kernel stack and changes the signal frame, so that the return from
 * the signal lands in start.S on that stack.  The host then has restored mask and
 * vector registers, and the signal is over as far as it is concerned.
 */
#include <linux/signal.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#include <linux/errno.h>

#include "hosted.h"
#include "syscall.h"

#define RFLAGS_TF	 0x100UL
#define RFLAGS_DF	 0x400UL
#define RFLAGS_NT	 0x4000UL
#define RFLAGS_RF	 0x10000UL
#define RFLAGS_AC	 0x40000UL
#define PFERR_USER	 4
#define RED_ZONE	 128
#define KSTACK_MARGIN	 1024 /* less room than this is an overflow */
#define SI_FROM_HOST(si) ((si)->si_code > 0)

static const struct {
	uint8_t signo, irq;
} interrupts[] = {
    {HOSTED_SIG_TIMER, RUMPUSER_IRQ_TIMER},
    {HOSTED_SIG_IPI, RUMPUSER_IRQ_IPI},
    {HOSTED_SIG_CONSOLE, RUMPUSER_IRQ_CONSOLE},
    {HOSTED_SIG_NET, HOSTED_IRQ_NET},
    {SIGTERM, RUMPUSER_IRQ_POWER},
    {SIGINT, RUMPUSER_IRQ_POWER},
};
#define NINTERRUPTS (sizeof(interrupts) / sizeof(interrupts[0]))

static const uint8_t traps[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

int hosted_irq_signal(unsigned irq)
{
	for (size_t i = 0; i < NINTERRUPTS; i++) {
		if (interrupts[i].irq == irq)
			return interrupts[i].signo;
	}
	return 0;
}

static void frame_from(struct rumpuser_trapframe *tf, const struct sigcontext *sc)
{
	*tf = (struct rumpuser_trapframe){
	    .r15 = sc->r15,
	    .r14 = sc->r14,
	    .r13 = sc->r13,
	    .r12 = sc->r12,
	    .r11 = sc->r11,
	    .r10 = sc->r10,
	    .r9 = sc->r9,
	    .r8 = sc->r8,
	    .rbp = sc->rbp,
	    .rdi = sc->rdi,
	    .rsi = sc->rsi,
	    .rdx = sc->rdx,
	    .rcx = sc->rcx,
	    .rbx = sc->rbx,
	    .rax = sc->rax,
	    .trapno = RUMPUSER_TRAPNO_INTR,
	    .rip = sc->rip,
	    .cs = sc->cs,
	    .rflags = sc->eflags,
	    .rsp = sc->rsp,
	    .ss = sc->ss,
	};
}

/* Move the frame to the kernel stack and have the signal return into entry there. */
static void redirect(struct hosted_cpu *hc, struct sigcontext *sc, struct rumpuser_trapframe *tf,
    void (*entry)(void))
{
	const struct rumpuser_cpu *cpu = hc->cpu;
	uintptr_t sp = cpu->kstack_top;

	if (tf->rsp >= cpu->kstack_base && tf->rsp <= cpu->kstack_top)
		sp = tf->rsp - RED_ZONE;
	sp = (sp - sizeof(*tf)) & ~15UL;
	if (sp < cpu->kstack_base + KSTACK_MARGIN || sp > cpu->kstack_top)
		rumpkern_fatal_trap(tf, "kernel stack overflow");
	*(struct rumpuser_trapframe *)sp = *tf;
	sc->rip = (uintptr_t)entry;
	sc->rsp = sp;
	sc->rbp = 0;
	sc->eflags &= ~(RFLAGS_TF | RFLAGS_DF | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC);
}

static void on_interrupt(int signo, siginfo_t *si, struct ucontext *uc)
{
	struct hosted_cpu *hc = hosted_this_cpu();
	struct sigcontext *sc = &uc->uc_mcontext;
	struct rumpuser_trapframe tf;
	unsigned irq = 0;

	if (sc->rip >= (uintptr_t)hosted_wait_begin && sc->rip < (uintptr_t)hosted_wait_end)
		sc->rip = (uintptr_t)hosted_wait_end;
	for (size_t i = 0; i < NINTERRUPTS; i++) {
		if (interrupts[i].signo == signo)
			irq = interrupts[i].irq;
	}
	if (irq == RUMPUSER_IRQ_TIMER) {
		hc->armed = UINT64_MAX;
		if (hc->deadline > rumpuser_clock_monotonic()) {
			hosted_timer_arm(
			    hc); /* the host's timer was not moved when the deadline was */
			return;
		}
		hc->deadline = UINT64_MAX;
	}
	if (!hc->intr_on) {
		__atomic_fetch_or(&hc->noted, 1UL << irq, __ATOMIC_SEQ_CST);
		return;
	}
	if (hc->cpu->ilevel > 0) {
		__atomic_fetch_or(&hc->cpu->ipending, 1UL << irq, __ATOMIC_SEQ_CST);
		return;
	}
	frame_from(&tf, sc);
	if (rumpkern_intr(irq, &tf))
		redirect(hc, sc, &tf, hosted_preempt_entry);
}

/*
 * What hardware would say about a page fault in kern's one address space: the
 * host's own laziness must not show, nor that all of this is user mode.
 */
static void fix_page_error(struct rumpuser_trapframe *tf)
{
	unsigned prot;

	tf->err &= ~(uint64_t)PFERR_USER;
	if (!rumpuser_pmap_extract(tf->addr, NULL, &prot))
		return;
	if (prot == RUMPUSER_PROT_NONE)
		tf->err &= ~(uint64_t)RUMPUSER_PFERR_PRESENT;
	else
		tf->err |= RUMPUSER_PFERR_PRESENT;
}

static void on_trap(int signo, siginfo_t *si, struct ucontext *uc)
{
	struct hosted_cpu *hc = hosted_this_cpu();
	struct rumpuser_cpu *cpu = hc->cpu;
	struct sigcontext *sc = &uc->uc_mcontext;
	struct rumpuser_trapframe tf;
	uintptr_t guard = cpu->kstack_base - RUMPUSER_PAGE_SIZE;

	if (!SI_FROM_HOST(si))
		rumpuser_exit(RUMPUSER_END_SIGNAL, signo); /* another process sent it */
	frame_from(&tf, sc);
	tf.trapno = sc->trapno;
	tf.err = sc->err;
	if (tf.trapno == RUMPUSER_TRAPNO_PAGE) {
		tf.addr = sc->cr2;
		fix_page_error(&tf);
	}
	if (hc->nfatal++ > 0)
		rumpuser_exit(RUMPUSER_END_PANIC, 0); /* a fault while reporting one */
	if (tf.rsp >= hc->altstack_lo && tf.rsp < hc->altstack_hi)
		rumpkern_fatal_trap(&tf, "fault in an interrupt handler");
	if (cpu->kstack_top == 0)
		rumpkern_fatal_trap(&tf, "fault before the first lwp");
	if ((tf.trapno == RUMPUSER_TRAPNO_PAGE && tf.addr >= guard && tf.addr < cpu->kstack_base) ||
	    (tf.rsp >= guard && tf.rsp < cpu->kstack_base))
		rumpkern_fatal_trap(&tf, "kernel stack overflow");
	if (signo == SIGBUS && tf.trapno == RUMPUSER_TRAPNO_PAGE)
		rumpkern_fatal_trap(&tf, "the host is out of memory");
	redirect(hc, sc, &tf, hosted_trap_entry);
	hc->nfatal = 0;
}

static void handle(int signo, void *handler, uint64_t mask)
{
	struct {
		void *handler;
		uint64_t flags;
		void (*restorer)(void);
		uint64_t mask;
	} sa = {handler, SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_RESTORER, __restore_rt, mask};
	long result = host_syscall4(__NR_rt_sigaction, signo, (long)&sa, 0, 8);

	if (result != 0)
		hosted_die("rt_sigaction failed", result);
}

void hosted_signals_init(void)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < NINTERRUPTS; i++)
		mask |= 1UL << (interrupts[i].signo - 1);
	for (size_t i = 0; i < NINTERRUPTS; i++)
		handle(interrupts[i].signo, on_interrupt, mask);
	for (size_t i = 0; i < sizeof(traps); i++)
		handle(traps[i], on_trap, mask);
	handle(SIGPIPE, (void *)SIG_IGN, 0);
	mask = 0;
	host_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, 8);
}
