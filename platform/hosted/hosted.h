/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the hosted platform: the machine is a Linux process.
 *
 *   CPU               a thread of the host (clone)
 *   interrupt         a signal, on the thread's alternative stack
 *   trap              SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP
 *   physical memory   a memfd, mapped whole at physmap
 *   page tables       mmap of the memfd, and a shadow that remembers (pmap.c)
 *   idle              ppoll without descriptors
 *
 * After hosted_seccomp() only the calls listed in seccomp.c are possible, so
 * everything else (threads, timers, alternative stacks) is set up before kern
 * is entered.
 *
 * Every thread always has GS at a struct rumpuser_cpu: its own `nobody` until kern's
 * replaces it.
 */
#ifndef HOSTED_H
#define HOSTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rumpuser.h>

#define HOSTED_PA_BASE 0x200000UL /* first physical address: 0 means "no page" */
#define HOSTED_IRQ_NET RUMPUSER_IRQ_DEVICE

/* What the "hosted" object of the launch configuration says. */
struct hosted_config {
	uint64_t memory; /* bytes */
	uint64_t ncpu;
	int netfd;    /* -1: none */
	int statusfd; /* -1: none */
	uint64_t mtu;
	uint8_t mac[6];
	bool have_mac;
	bool exec; /* the program may make memory executable */
	bool core; /* the launcher looks at us after a crash, and ends us */
};

struct hosted_cpu {
	struct rumpuser_cpu *cpu; /* kern's, or &nobody */
	struct rumpuser_cpu nobody;
	int tid;
	int timer;
	uintptr_t altstack_lo, altstack_hi;
	uint64_t deadline;	 /* what kern asked for */
	uint64_t armed;		 /* what the host's timer is set to; never later than deadline */
	volatile uint64_t noted; /* interrupts that came before rumpuser_intr_start() */
	volatile bool intr_on;
	volatile bool ready;		     /* the thread has set itself up */
	volatile bool entered;		     /* the thread runs kern */
	struct rumpuser_cpu *volatile start; /* asks the parked thread to enter kern */
	volatile uintptr_t start_stack;
	unsigned nfatal;
};

extern struct hosted_config hosted_config;
extern struct hosted_cpu hosted_cpus[RUMPUSER_MAXCPUS];
extern struct hosted_cpu hosted_waiter; /* waits for console input on behalf of CPU 0 */
extern bool hosted_fsgsbase;
extern int hosted_pid;
extern int hosted_memfd;
extern uintptr_t hosted_physmap;

static inline struct rumpuser_cpu *hosted_gs(void)
{
	struct rumpuser_cpu *cpu;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

static inline struct hosted_cpu *hosted_this_cpu(void)
{
	return hosted_gs()->platform;
}

/* start.S */
void __kiln_hosted_start(void);
void __restore_rt(void); /* the name by which gdb knows a frame of a signal */
void hosted_trap_entry(void);
void hosted_preempt_entry(void);
/* Sleep until a signal has been handled; not at all if *pending is not zero, checked atomically. */
void hosted_wait(volatile uint64_t *pending);
extern const char hosted_wait_begin[], hosted_wait_end[];
/* clone(): the child runs func(arg) on the stack and must not return.  Thread id or negative errno.
 */
long hosted_clone(unsigned long flags, uintptr_t stack_top, void (*func)(void *), void *arg);
void hosted_enter(struct rumpuser_cpu *cpu, uintptr_t stack_top) __attribute__((noreturn));

/* reloc.c: first of all; nothing that needs a relocation works before. */
void hosted_relocate(uintptr_t base, const void *dynamic);

/* config.c */
void hosted_config_parse(const char *json);

/* memory.c: sets up physical memory; pmap.c */
void hosted_memory_init(struct rumpuser_bootinfo *info, struct rumpuser_memregion *region);
void hosted_pmap_init(uintptr_t va_lo, uintptr_t va_hi);
long hosted_mmap(uintptr_t addr, size_t len, unsigned prot, int flags, int fd, uint64_t off);

/* cpu.c, signal.c */
void hosted_cpus_init(void);
void hosted_signals_init(void);
void hosted_raise(struct hosted_cpu *hc, int signo);
void hosted_timer_arm(struct hosted_cpu *hc);
#define HOSTED_SIG_IPI	   10 /* SIGUSR1 */
#define HOSTED_SIG_TIMER   14 /* SIGALRM */
#define HOSTED_SIG_CONSOLE 23 /* SIGURG */
#define HOSTED_SIG_NET	   29 /* SIGIO */
int hosted_irq_signal(unsigned irq);

/* time.c */
void hosted_time_init(const void *vdso);
extern uint64_t hosted_time_base; /* CLOCK_MONOTONIC when the machine was switched on, ns */

/* net.c, console.c */
void hosted_net_init(void);
void hosted_console_wait(void) __attribute__((noreturn));

/* seccomp.c: from here on the process is confined. */
void hosted_seccomp(void);

/* end.c: something about the host is wrong, before or beyond kern's reach.  Status 125. */
void hosted_die(const char *what, long error) __attribute__((noreturn));
#define HOSTED_EXIT_SETUP 125

/* lib.c */
size_t hosted_strlen(const char *s);
bool hosted_streq(const char *a, const char *b);
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memset(void *dst, int c, size_t n);

#endif
