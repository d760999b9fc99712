/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rumpuser.h - the hypercall interface: all that the anykernel knows of the
 * world below it, and the only header that crosses the line.
 *
 * Error contract: a function that returns int returns 0 or a positive errno.
 * A function that returns void cannot fail.  Results come back through
 * pointers.  Nothing here sleeps unless its text says so.
 *
 * rumpuser_*  implemented by every platform (hw, xen, hosted), called by kern.
 * rumpkern_*  "upcalls": implemented by kern, called by the platform.
 *
 * INTERRUPTS ARE MASKED IN SOFTWARE.  Each CPU has a word `ilevel`; while it
 * is above zero neither an interrupt handler nor a preemption may run on that
 * CPU.  An interrupt that arrives then is noted in `ipending` (its hardware
 * is quieted: EOI, and a level-triggered line masked until replayed) and is
 * delivered by rumpkern when ilevel returns to zero.  Masking is thus one
 * increment in memory and never touches the machine.
 *
 * STACKS.  Program code may use the 128-byte red zone and may run on a stack
 * of PTHREAD_STACK_MIN, so no trap or interrupt touches the interrupted stack:
 *  - an interrupt runs on a per-CPU interrupt stack of the platform;
 *  - a synchronous trap (page fault, divide error ...) is moved at once to the
 *    kernel stack of the current lwp, described by kstack_base/kstack_top in
 *    struct rumpuser_cpu: to its top if the program was interrupted, or, when
 *    the saved stack pointer already lies within [kstack_base, kstack_top],
 *    128 bytes below that pointer.  There it may sleep;
 *  - if rumpkern_intr() returns true, the interrupted frame is moved to the
 *    kernel stack in the same way and rumpkern_preempt() is called there.
 * FS belongs to the program's TLS, GS points at struct rumpuser_cpu.
 * The kernel is compiled without vector registers (-mgeneral-regs-only).
 */
#ifndef RUMPUSER_H
#define RUMPUSER_H

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

#define RUMPUSER_VERSION 1

/* Offsets into struct rumpuser_cpu for assembly; asserted below. */
#define RUMPUSER_CPU_SELF	 0
#define RUMPUSER_CPU_CURLWP	 8
#define RUMPUSER_CPU_KSTACK_TOP	 16
#define RUMPUSER_CPU_KSTACK_BASE 24
#define RUMPUSER_CPU_IPENDING	 32
#define RUMPUSER_CPU_ILEVEL	 40
#define RUMPUSER_CPU_CANARY	 48

#define RUMPUSER_MAXCPUS	 32
#define RUMPUSER_PAGE_SHIFT	 12
#define RUMPUSER_PAGE_SIZE	 4096UL

#ifndef __ASSEMBLER__
/*
 * One per CPU, reached through GS.  kern allocates it (as the head of its
 * struct cpu_info), the platform reads it in its entry code.
 */
struct rumpuser_cpu {
	struct rumpuser_cpu *self;
	void *curlwp;		    /* current lwp; opaque to the platform */
	uintptr_t kstack_top;	    /* kernel stack of curlwp */
	uintptr_t kstack_base;	    /* lowest usable byte; the page below is a guard */
	volatile uint64_t ipending; /* bit n: RUMPUSER_IRQ n waits; atomic access */
	volatile uint32_t ilevel;   /* > 0: interrupts and preemption held off */
	uint32_t index;		    /* 0 is the boot CPU */
	uintptr_t canary;	    /* stack-protector value of kernel code */
	void *platform;		    /* platform's own per-CPU data */
};

/*
 * The interrupted machine state.  Layout is what the entry code pushes: the
 * last five words are what iretq pops, on bare hardware and in a process.
 */
struct rumpuser_trapframe {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t addr;	 /* faulting address (CR2) for RUMPUSER_TRAP_PAGE */
	uint64_t trapno; /* x86 exception number, or RUMPUSER_TRAPNO_INTR */
	uint64_t err;	 /* x86 error code, 0 if the exception has none */
	uint64_t rip, cs, rflags, rsp, ss;
};
#endif /* !__ASSEMBLER__ */

#define RUMPUSER_TRAPNO_DIVIDE	   0
#define RUMPUSER_TRAPNO_DEBUG	   1
#define RUMPUSER_TRAPNO_NMI	   2
#define RUMPUSER_TRAPNO_BREAKPOINT 3
#define RUMPUSER_TRAPNO_ILLEGAL	   6
#define RUMPUSER_TRAPNO_DOUBLE	   8
#define RUMPUSER_TRAPNO_STACK	   12
#define RUMPUSER_TRAPNO_PROTECTION 13
#define RUMPUSER_TRAPNO_PAGE	   14
#define RUMPUSER_TRAPNO_FPE	   16
#define RUMPUSER_TRAPNO_ALIGN	   17
#define RUMPUSER_TRAPNO_MACHINE	   18
#define RUMPUSER_TRAPNO_SIMD	   19
#define RUMPUSER_TRAPNO_INTR	   256 /* a frame of an interrupt, not of a trap */

/* Page-fault error code bits (Intel SDM vol. 3, 4.7), as on hardware. */
#define RUMPUSER_PFERR_PRESENT 0x01
#define RUMPUSER_PFERR_WRITE   0x02
#define RUMPUSER_PFERR_EXEC    0x10

#ifndef __ASSEMBLER__

/* ------------------------------------------------------------------ start */

/*
 * What the platform hands to rumpkern_main().  Strings stay valid for ever.
 */
struct rumpuser_bootinfo {
	const char *platform; /* "hw", "xen", "hosted" */
	const char *cmdline;  /* launch configuration as the launcher gave it; "" if none */
	unsigned ncpu;	      /* CPUs that can be started, boot CPU included */
	uintptr_t image_base; /* where the image was placed at this boot */
	uintptr_t image_end;
	uintptr_t va_lo, va_hi; /* virtual range free for the address-space map */
	uintptr_t physmap;	/* physical address p is readable and writable at physmap + p */
	const void *rootfs;	/* root file system image, NULL if none was baked in */
	size_t rootfs_size;
	const struct rumpuser_memregion *mem; /* free physical memory */
	unsigned nmem;
};

struct rumpuser_memregion {
	uint64_t pa;   /* page aligned */
	uint64_t size; /* bytes, page multiple */
};

/*
 * Upcall, boot CPU, once.  Runs on the platform's boot stack (16 KB or more)
 * with interrupts not yet enabled; the platform has set up traps, but GS is
 * not set until kern calls rumpuser_cpu_attach().  Never returns.
 */
void rumpkern_main(const struct rumpuser_bootinfo *info) __attribute__((noreturn));

/*
 * Upcall: an additional CPU is up, on the stack given to rumpuser_cpu_start(),
 * GS set to its struct rumpuser_cpu, interrupts not yet enabled.
 */
void rumpkern_cpu_main(struct rumpuser_cpu *cpu) __attribute__((noreturn));

/* -------------------------------------------------------------------- CPUs */

/* Make cpu the running CPU's own (set GS).  Boot CPU; once. */
void rumpuser_cpu_attach(struct rumpuser_cpu *cpu);

/*
 * Start CPU cpu->index (1..ncpu-1): it enters rumpkern_cpu_main() on the stack
 * whose upper end is stack_top.  Waits until it has entered the platform.
 * EIO if the CPU does not answer: it will not enter later, either, and the platform
 * may refuse to start others.  EINVAL for a bad index.
 */
int rumpuser_cpu_start(struct rumpuser_cpu *cpu, uintptr_t stack_top);

/* Let interrupts in on this CPU, for the first time and for good. */
void rumpuser_intr_start(void);

/* Interrupt CPU `index` with RUMPUSER_IRQ_IPI.  Any context. */
void rumpuser_cpu_ipi(unsigned index);

/*
 * Wait for an interrupt.  Returns at once if cpu->ipending is not zero, which
 * is checked atomically with going to sleep; otherwise after an interrupt has
 * been delivered.  Called with ilevel 0 on this CPU's idle lwp.
 */
void rumpuser_cpu_idle(struct rumpuser_cpu *cpu);

/* Load FS, the program's thread pointer.  Called at context switches. */
void rumpuser_tls_set(uintptr_t fsbase);

/* -------------------------------------------------------------- interrupts */

#define RUMPUSER_IRQ_RESCHED 0 /* kern's own: never raised by a platform */
#define RUMPUSER_IRQ_TIMER   1 /* rumpuser_timer_set() came due */
#define RUMPUSER_IRQ_IPI     2 /* rumpuser_cpu_ipi() */
#define RUMPUSER_IRQ_CONSOLE 3 /* console input may be waiting */
#define RUMPUSER_IRQ_POWER   4 /* power button, launcher's SIGTERM */
#define RUMPUSER_IRQ_DEVICE  8 /* first number handed out to devices */
#define RUMPUSER_IRQ_MAX     64

/*
 * Upcall: interrupt irq arrived on this CPU, which had ilevel 0.  Runs on the
 * interrupt stack with the machine's interrupts off; kern's handler has
 * ilevel 1.  Returns true if the interrupted lwp is to be preempted.
 */
bool rumpkern_intr(unsigned irq, struct rumpuser_trapframe *tf);

/*
 * Upcall: on the kernel stack of the interrupted lwp, machine interrupts on.
 * May switch to another lwp, so returns arbitrarily later, maybe on another
 * CPU.  tf is the moved frame; what is in it on return is resumed.
 *
 * Returns with ilevel 1, which the platform lowers in the end; what is pending by then it has
 * delivered by rumpkern_replay(), ilevel 1 before and after.  On a machine it looks and
 * lowers with interrupts off: were they on, each could find the last one's frame
 * not yet left and pile its own upon it, until the stack is full.
 */
void rumpkern_preempt(struct rumpuser_trapframe *tf);
void rumpkern_replay(void);

/*
 * Upcall: a synchronous trap, on the kernel stack of the current lwp, machine
 * interrupts as they were when it was taken.  May sleep if ilevel was 0.
 * What is in tf on return is resumed.
 */
void rumpkern_trap(struct rumpuser_trapframe *tf);

/*
 * Upcall: a trap nobody can return from (double fault, machine check, kernel
 * stack overflow), on a stack of the platform's.  why is a short sentence.
 */
void rumpkern_fatal_trap(struct rumpuser_trapframe *tf, const char *why) __attribute__((noreturn));

/* kern has delivered a noted interrupt: a masked level-triggered line opens. */
void rumpuser_intr_replayed(unsigned irq);

/*
 * An interrupt line of the machine (ACPI global system interrupt).  *irqp is
 * a new irq number; it arrives on CPU `cpu`.
 * ENOSPC no number free, ENXIO no such line, ENOTSUP platform has none.
 */
int rumpuser_intr_gsi(unsigned gsi, bool level, bool active_low, unsigned cpu, unsigned *irqp);

/*
 * A message-signalled interrupt: the device writes *data to *addr (PCI 3.0,
 * 6.8).  Errors as above.
 */
int rumpuser_intr_msi(unsigned cpu, unsigned *irqp, uint64_t *addr, uint32_t *data);

/* -------------------------------------------------------------------- time */

/* Nanoseconds since boot; never goes back, the same on all CPUs. Lock-free. */
uint64_t rumpuser_clock_monotonic(void);

/* Nanoseconds since 1970-01-01 UTC.  Lock-free. */
uint64_t rumpuser_clock_wall(void);

/*
 * Where the time stamp counter makes these clocks: how to read them without a call, what
 * programs do all the time.  rumpuser_clock_read() gives monotonic time, and wall-clock time is
 * `wall` more as long as monotonic time is below `until`; otherwise, or if it returns false, the
 * functions above are to be asked.
 */
struct rumpuser_clock {
	volatile uint32_t seq; /* even: the rest is being changed, or there is no such counter */
	volatile uint64_t tsc, ns; /* the line goes through this point */
	volatile uint64_t mul;	   /* ns per tick, times 2^32 */
	volatile uint64_t next;	   /* so many ticks after tsc it holds */
	volatile uint64_t wall, until;
};
extern struct rumpuser_clock rumpuser_clock;

static inline __attribute__((always_inline)) bool rumpuser_clock_read(uint64_t *ns)
{
	const struct rumpuser_clock *c = &rumpuser_clock;
	uint32_t seq = __atomic_load_n(&c->seq, __ATOMIC_ACQUIRE), lo, hi, odd;
	uint64_t ticks;

	if (__builtin_expect(!(seq & 1), 0))
		return false;
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	ticks = ((uint64_t)hi << 32 | lo) - c->tsc;
	*ns = c->ns + (uint64_t)((unsigned __int128)ticks * c->mul >> 32);
	odd = ticks > c->next; /* so is a counter that is a little behind */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	odd |= seq ^ c->seq;
	return __builtin_expect(odd == 0, 1);
}

/*
 * Have RUMPUSER_IRQ_TIMER delivered on this CPU once, when the monotonic clock
 * reaches `deadline` (at once if it has).  Replaces an earlier setting;
 * UINT64_MAX disarms.
 */
void rumpuser_timer_set(uint64_t deadline);

/* ------------------------------------------------------------------ memory */

#define RUMPUSER_PROT_NONE   0
#define RUMPUSER_PROT_READ   1
#define RUMPUSER_PROT_WRITE  2
#define RUMPUSER_PROT_EXEC   4
#define RUMPUSER_PROT_DEVICE 8 /* uncached */

/*
 * Map npages pages at va to the physically contiguous pages from pa.  Replaces
 * what was there.  Large pages are used where alignment allows.  ENOMEM if no
 * page is left for a page table (rumpkern_page_alloc() failed): nothing, or a
 * leading part, is then mapped.  Calls for disjoint ranges may run at once.
 * Changing what was mapped waits for other CPUs: no spin lock may be held then
 * that interrupt handlers take.  The same goes for remove and protect.
 */
int rumpuser_pmap_enter(uintptr_t va, uint64_t pa, size_t npages, unsigned prot);

/*
 * Unmap; holes are fine.  No CPU can use the old translation on return.  Page tables that lie
 * wholly in the range are given back.
 */
void rumpuser_pmap_remove(uintptr_t va, size_t npages);

/* Change the protection of what is mapped; holes stay holes.  ENOMEM as above. */
int rumpuser_pmap_protect(uintptr_t va, size_t npages, unsigned prot);

/* Physical address and protection behind va; false if nothing is mapped. */
bool rumpuser_pmap_extract(uintptr_t va, uint64_t *pa, unsigned *prot);

/*
 * The first mapped page in [va, end), both page-aligned, with what extract says of it; end if
 * there is none.  Address space that has no page tables is passed over in large steps: gigabytes
 * of holes cost little.  *n, unless n is NULL: so many pages from there, at least one, are mapped
 * alike to physical memory in sequence; there may be more.
 */
uintptr_t rumpuser_pmap_next(uintptr_t va, uintptr_t end, uint64_t *pa, unsigned *prot, size_t *n);

/* Upcalls: a page for the platform's page tables, zeroed; 0 if none is left. */
uint64_t rumpkern_page_alloc(void);
void rumpkern_page_free(uint64_t pa);

/* ----------------------------------------------------------------- devices */

/*
 * Device memory: *va gives uncached access to len bytes at pa.  ENOMEM no room, ENXIO that is
 * memory of ours, and no device.
 */
int rumpuser_mmio_map(uint64_t pa, size_t len, void **va);

/* PCI configuration space; width 1, 2 or 4.  Absent functions read all ones. */
uint32_t rumpuser_pci_read(unsigned bus, unsigned dev, unsigned func, unsigned reg, unsigned width);
void rumpuser_pci_write(
    unsigned bus, unsigned dev, unsigned func, unsigned reg, unsigned width, uint32_t value);

/* Does the machine have PCI configuration space at all? */
bool rumpuser_pci_present(void);

/*
 * The n-th virtio device (virtio v1.2, 4.2) that the machine's firmware names: its
 * registers and interrupt line.  false past the last one.
 */
bool rumpuser_virtio_mmio(unsigned n, uint64_t *pa, uint64_t *size, unsigned *gsi);

/* Address that a device uses for physical address pa (identity on hw). */
uint64_t rumpuser_dma_addr(uint64_t pa);

/*
 * Order memory accesses before against those after, as a device sees them: what a driver needs
 * between telling a device something and looking whether it must be woken (virtio
 * v1.2, 2.7.13.4.1).
 */
void rumpuser_dma_mb(void);

/*
 * Devices whose other end is a driver in another domain (Xen): they share pages that were granted
 * and wake each other through event channels.  Only platforms xen, xen-pv and any have these; on
 * any, without Xen below, each fails with ENOTSUP.
 *
 * The page that the configuration store serves (xen/io/xs_wire.h, struct
 * xenstore_domain_interface), mapped for ever, and its event channel.
 */
int rumpuser_xenstore(void **page, unsigned *port);

/*
 * A new event channel that domain `domid` may bind to.  ENOSPC no more channels.  May be called
 * from any lwp; not from interrupt handlers.
 */
int rumpuser_evtchn_alloc(unsigned domid, unsigned *port);

/*
 * Have *irqp raised on CPU `cpu` when the channel is notified; what was notified before comes at
 * once.  *irqp 0: a new irq number is chosen; otherwise it is one from an earlier call,
 * whose channel is closed.  ENOSPC no number free, EINVAL a bad port or CPU.
 */
int rumpuser_evtchn_bind(unsigned port, unsigned cpu, unsigned *irqp);

/* Raise the other end's interrupt.  Any context. */
void rumpuser_evtchn_notify(unsigned port);

/* No interrupt comes from it any more (one may be pending still); port is free. */
void rumpuser_evtchn_close(unsigned port);

/*
 * Let domain `domid` read, and unless readonly write, the page at pa.  *ref names the grant.
 * ENOSPC none free.  Any context but interrupt handlers.  Cheap: a hypercall is made only when the
 * table grows, which it does by hundreds of grants and for good.
 */
int rumpuser_grant(unsigned domid, uint64_t pa, bool readonly, uint32_t *ref);

/*
 * Take a grant back.  EBUSY: the other domain has the page mapped or is copying; the grant stands,
 * and the page must not be given to anybody else.  EINVAL: no such grant.
 */
int rumpuser_grant_end(uint32_t ref);

/*
 * Give pages that kern has to itself to whoever runs the machine; their contents are lost, and
 * nobody touches them any more.  ENOTSUP, EINVAL.  And take pages that were given so; their
 * contents are undefined.  ENOMEM there are none to be had, and none is taken.  Only platforms xen,
 * xen-pv and any.
 */
int rumpuser_memory_release(uint64_t pa, size_t npages);
int rumpuser_memory_reclaim(uint64_t pa, size_t npages);

/*
 * Pages that the machine has, all told; fewer than its memory map says if it was made with less
 * than it may have, and then it must give back the difference before it uses what there is not.
 * 0: not known.  Platforms as above.
 */
uint64_t rumpuser_memory_present(void);

/*
 * The one network interface of a platform without devices (hosted): Ethernet
 * frames without FCS.  ENXIO if the launcher gave none.  send: EAGAIN when the
 * host's queue is full.  recv: EAGAIN when nothing waits; a frame longer than
 * len is dropped with EMSGSIZE.  *irqp is raised when frames wait.
 */
struct rumpuser_iovec {
	void *base;
	size_t len;
};
int rumpuser_net_open(uint8_t mac[6], unsigned *mtu, unsigned *irqp);
int rumpuser_net_send(const struct rumpuser_iovec *iov, unsigned niov);
int rumpuser_net_recv(void *buf, size_t len, size_t *got);

/* --------------------------------------------------- console, entropy, end */

/* Write all of buf to the console.  Any context, also after a panic. */
void rumpuser_console_write(const char *buf, size_t len);

/* Take what console input waits, at most len bytes; 0 if none does. */
size_t rumpuser_console_read(char *buf, size_t len);

/*
 * Fill buf with random bytes of the machine (RDSEED, RDRAND, host).  *bits says
 * how many bits of entropy they are worth, 0 if there is no such source.
 */
void rumpuser_entropy(void *buf, size_t len, unsigned *bits);

enum rumpuser_end {
	RUMPUSER_END_EXIT,   /* the program's own end; status 0..255 */
	RUMPUSER_END_SIGNAL, /* killed by a signal; status is its number */
	RUMPUSER_END_PANIC,  /* the kernel gave up; status is 0 */
};

/*
 * Whoever runs the machine has asked for its end, or with restart for its start anew, and the
 * program is about to be told by SIGTERM: rumpuser_exit() for that signal, or the program's own,
 * is what they asked for.  Any context.  Only platforms xen, xen-pv and any have it.
 */
void rumpuser_exit_asked(bool restart);

/*
 * Have the machine put away by whoever runs it, who has asked for that.  Returns when it goes on.
 * *moved: on another machine, to the monotonic clock at the same moment.  Then what shared
 * something with us is gone: all event channels are closed, rumpuser_xenstore() gives another one,
 * and channels' irq numbers can be bound again; grants stand, but nobody uses them. Not moved:
 * nothing has happened.  ENOMEM, ENOTSUP: it was not put away. From an lwp of the boot CPU, ilevel
 * 0.  Only platforms xen, xen-pv and any have it.
 */
int rumpuser_suspend(bool *moved);

/* Power off and tell the launcher why.  Any context, any CPU. */
void rumpuser_exit(enum rumpuser_end how, int status) __attribute__((noreturn));

_Static_assert(offsetof(struct rumpuser_cpu, curlwp) == RUMPUSER_CPU_CURLWP, "asm offset");
_Static_assert(offsetof(struct rumpuser_cpu, kstack_top) == RUMPUSER_CPU_KSTACK_TOP, "asm offset");
_Static_assert(
    offsetof(struct rumpuser_cpu, kstack_base) == RUMPUSER_CPU_KSTACK_BASE, "asm offset");
_Static_assert(offsetof(struct rumpuser_cpu, ipending) == RUMPUSER_CPU_IPENDING, "asm offset");
_Static_assert(offsetof(struct rumpuser_cpu, ilevel) == RUMPUSER_CPU_ILEVEL, "asm offset");
_Static_assert(offsetof(struct rumpuser_cpu, canary) == RUMPUSER_CPU_CANARY, "asm offset");

#endif /* !__ASSEMBLER__ */

#endif
