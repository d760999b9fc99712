/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs are threads of the host.  All are made at the start, before the
 * process is confined; the additional ones wait, in hosted_wait() on their
 * `noted` word, for rumpuser_cpu_start() to interrupt them.
 */
#include <asm/prctl.h>
#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/time.h>

#include "hosted.h"
#include "syscall.h"

#define SIGEV_THREAD_TID 4
#define PROT_RW		 3
#define PAGE		 RUMPUSER_PAGE_SIZE
#define ALTSTACK_SIZE	 (16 * PAGE) /* the frame alone can be 11 KB (AMX, AVX-512) */
#define PARK_STACK_SIZE	 (4 * PAGE)
#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define MOMENT	      20000 /* ns, between looks at another thread */
#define START_TIMEOUT (5 * 1000000000ULL)

/* sigevent_t of the host's ABI with SIGEV_THREAD_ID. */
struct host_sigevent {
	uint64_t value;
	int32_t signo, notify, tid;
	int32_t pad[11];
};
_Static_assert(sizeof(struct host_sigevent) == 64, "host ABI");

struct hosted_cpu hosted_cpus[RUMPUSER_MAXCPUS];
struct hosted_cpu hosted_waiter;

static void set_gs(struct rumpuser_cpu *cpu)
{
	if (hosted_fsgsbase)
		__asm__ volatile("wrgsbase %0" ::"r"(cpu));
	else
		host_syscall3(__NR_arch_prctl, ARCH_SET_GS, (long)cpu, 0);
}

void rumpuser_tls_set(uintptr_t fsbase)
{
	if (hosted_fsgsbase)
		__asm__ volatile("wrfsbase %0" ::"r"(fsbase));
	else
		host_syscall3(__NR_arch_prctl, ARCH_SET_FS, (long)fsbase, 0);
}

/* A stack with a guard page below; its lowest usable byte. */
static uintptr_t stack_alloc(size_t size)
{
	long p = hosted_mmap(0, size + PAGE, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p < 0 && p > -4096)
		hosted_die("no memory for a stack", p);
	if (host_syscall3(__NR_mprotect, p + (long)PAGE, (long)size, PROT_RW) != 0)
		hosted_die("no memory for a stack", 0);
	return (uintptr_t)p + PAGE;
}

/* What a thread can only do for itself; it is interruptible afterwards. */
static void thread_init(struct hosted_cpu *hc)
{
	stack_t ss = {.ss_sp = (void *)hc->altstack_lo, .ss_size = ALTSTACK_SIZE};
	long result;

	set_gs(&hc->nobody);
	result = host_syscall3(__NR_sigaltstack, (long)&ss, 0, 0);
	if (result != 0)
		hosted_die("sigaltstack failed", result);
	hc->ready = true;
}

static void cpu_init(struct hosted_cpu *hc)
{
	hc->cpu = &hc->nobody;
	hc->nobody = (struct rumpuser_cpu){.self = &hc->nobody, .platform = hc, .ilevel = 1};
	hc->deadline = hc->armed = UINT64_MAX;
	hc->altstack_lo = stack_alloc(ALTSTACK_SIZE);
	hc->altstack_hi = hc->altstack_lo + ALTSTACK_SIZE;
}

static void cpu_timer(struct hosted_cpu *hc)
{
	struct host_sigevent ev = {
	    .signo = HOSTED_SIG_TIMER, .notify = SIGEV_THREAD_TID, .tid = hc->tid};
	long result =
	    host_syscall3(__NR_timer_create, CLOCK_MONOTONIC, (long)&ev, (long)&hc->timer);

	if (result != 0)
		hosted_die("timer_create failed", result);
}

static void cpu_park(void *arg)
{
	struct hosted_cpu *hc = arg;
	struct rumpuser_cpu *cpu;

	thread_init(hc);
	while ((cpu = __atomic_exchange_n(&hc->start, NULL, __ATOMIC_ACQ_REL)) == NULL) {
		hosted_wait(&hc->noted);
		hc->noted = 0;
	}
	hc->cpu = cpu;
	cpu->platform = hc;
	set_gs(cpu);
	hc->entered = true;
	hosted_enter(cpu, hc->start_stack);
}

static void waiter_main(void *arg)
{
	thread_init(arg);
	hosted_console_wait();
}

static void thread_start(struct hosted_cpu *hc, void (*func)(void *))
{
	uintptr_t stack = stack_alloc(PARK_STACK_SIZE);
	struct timespec moment = {0, MOMENT};
	long tid;

	cpu_init(hc);
	tid = hosted_clone(THREAD_FLAGS, stack + PARK_STACK_SIZE, func, hc);
	if (tid < 0)
		hosted_die("cannot make a thread", tid);
	hc->tid = (int)tid;
	while (!hc->ready)
		host_syscall6(__NR_ppoll, 0, 0, (long)&moment, 0, 8, 0);
}

void hosted_cpus_init(void)
{
	struct hosted_cpu *boot = &hosted_cpus[0];
	uint64_t power = 1UL << (SIGTERM - 1) | 1UL << (SIGINT - 1);

	/* Threads inherit the mask: the power button is CPU 0's.  hosted_signals_init() opens its
	 * own. */
	host_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, (long)&power, 0, 8);
	cpu_init(boot);
	boot->tid = hosted_pid;
	thread_init(boot);
	cpu_timer(boot);
	for (unsigned i = 1; i < hosted_config.ncpu; i++) {
		thread_start(&hosted_cpus[i], cpu_park);
		cpu_timer(&hosted_cpus[i]);
	}
	thread_start(&hosted_waiter, waiter_main);
}

void hosted_raise(struct hosted_cpu *hc, int signo)
{
	host_syscall3(__NR_tgkill, hosted_pid, hc->tid, signo);
}

void rumpuser_cpu_attach(struct rumpuser_cpu *cpu)
{
	struct hosted_cpu *hc = hosted_this_cpu();

	cpu->self = cpu;
	cpu->platform = hc;
	hc->cpu = cpu;
	set_gs(cpu);
}

int rumpuser_cpu_start(struct rumpuser_cpu *cpu, uintptr_t stack_top)
{
	uint64_t until = rumpuser_clock_monotonic() + START_TIMEOUT;
	struct hosted_cpu *hc;

	if (cpu->index == 0 || cpu->index >= hosted_config.ncpu)
		return EINVAL;
	hc = &hosted_cpus[cpu->index];
	if (hc->start != NULL || hc->entered)
		return EINVAL;
	cpu->self = cpu;
	hc->start_stack = stack_top;
	__atomic_store_n(&hc->start, cpu, __ATOMIC_RELEASE);
	hosted_raise(hc, HOSTED_SIG_IPI);
	while (!hc->entered) {
		struct timespec moment = {0, MOMENT};

		/* Unless it has the order already, it shall not take it later. */
		if (rumpuser_clock_monotonic() > until &&
		    __atomic_exchange_n(&hc->start, NULL, __ATOMIC_ACQ_REL) != NULL)
			return EIO;
		host_syscall6(__NR_ppoll, 0, 0, (long)&moment, 0, 8, 0);
	}
	return 0;
}

void rumpuser_intr_start(void)
{
	struct hosted_cpu *hc = hosted_this_cpu();
	uint64_t noted;

	hc->intr_on = true;
	noted = __atomic_exchange_n(&hc->noted, 0, __ATOMIC_SEQ_CST);
	for (unsigned irq = 0; noted >> irq != 0; irq++) {
		int signo = noted >> irq & 1 ? hosted_irq_signal(irq) : 0;

		if (signo != 0)
			hosted_raise(hc, signo);
	}
}

void rumpuser_cpu_ipi(unsigned index)
{
	if (index < hosted_config.ncpu)
		hosted_raise(&hosted_cpus[index], HOSTED_SIG_IPI);
}

void rumpuser_cpu_idle(struct rumpuser_cpu *cpu)
{
	hosted_wait(&cpu->ipending);
}
