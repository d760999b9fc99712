/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel of a page, to test the hosted platform alone: the upcalls of
 * rumpuser.h and a few scenarios, one of which the configuration names:
 * {"test":"traps","hosted":{...}}.  Prints what happened, exits with 0 if that is right.
 */
#include <rumpuser.h>

#define PAGE   RUMPUSER_PAGE_SIZE
#define KSTACK 16384
#define NPOOL  64

void *memcpy(void *restrict d, const void *restrict s, size_t n);
void *memset(void *d, int c, size_t n);
unsigned long prog_spin(volatile unsigned *stop, void *small_stack_top);

static const struct rumpuser_bootinfo *info;
static struct rumpuser_cpu cpus[RUMPUSER_MAXCPUS];
static char kstacks[RUMPUSER_MAXCPUS][KSTACK] __attribute__((aligned(4096)));
static uint64_t next_page;
static int live_pages;
static volatile unsigned counts[RUMPUSER_IRQ_MAX];
static volatile bool want_preempt, stop;
static volatile unsigned preempted, trapped;
static void (*volatile on_trap)(struct rumpuser_trapframe *tf);
static void (*on_irq)(unsigned irq);

void *memcpy(void *restrict d, const void *restrict s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)d)[i] = ((const char *)s)[i];
	return d;
}

void *memset(void *d, int c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)d)[i] = (char)c;
	return d;
}

static void say(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	rumpuser_console_write(s, n);
}

static void say_hex(const char *name, uint64_t v)
{
	char buf[20];
	int i = 20;

	buf[--i] = '\n';
	do {
		buf[--i] = "0123456789abcdef"[v & 15];
	} while ((v >>= 4) != 0);
	say(name);
	rumpuser_console_write(buf + i, (size_t)(20 - i));
}

#define CHECK(e) check((e), #e, __LINE__)
static void check(bool ok, const char *what, int line)
{
	if (ok)
		return;
	say("not true: ");
	say(what);
	say_hex(" line 0x", (uint64_t)line);
	rumpuser_exit(RUMPUSER_END_EXIT, 1);
}

/* ------------------------------------------------------------------ upcalls */

uint64_t rumpkern_page_alloc(void)
{
	uint64_t pa = next_page;

	next_page += PAGE;
	__atomic_add_fetch(&live_pages, 1, __ATOMIC_SEQ_CST);
	memset((void *)(info->physmap + pa), 0, PAGE);
	return pa;
}

void rumpkern_page_free(uint64_t pa)
{
	__atomic_sub_fetch(&live_pages, 1, __ATOMIC_SEQ_CST);
}

static struct rumpuser_cpu *this_cpu(void)
{
	struct rumpuser_cpu *cpu;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

/*
 * Waiting, as kern does it: an interrupt leaves bit 0 of ipending set, so that
 * one between take_pending() and rumpuser_cpu_idle() is not slept through.
 * take_pending(); if (nothing to do) rumpuser_cpu_idle();
 */
static void take_pending(void)
{
	__atomic_exchange_n(&this_cpu()->ipending, 0, __ATOMIC_SEQ_CST);
}

bool rumpkern_intr(unsigned irq, struct rumpuser_trapframe *tf)
{
	__atomic_add_fetch(&counts[irq], 1, __ATOMIC_SEQ_CST);
	CHECK(tf->trapno == RUMPUSER_TRAPNO_INTR);
	__atomic_fetch_or(&this_cpu()->ipending, 1, __ATOMIC_SEQ_CST);
	if (on_irq)
		on_irq(irq);
	return want_preempt;
}

void rumpkern_preempt(struct rumpuser_trapframe *tf)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	CHECK(here > cpus[0].kstack_base && here < cpus[0].kstack_top);
	CHECK((here & 15) == 0);
	preempted++;
	rumpuser_timer_set(rumpuser_clock_monotonic() + 50000);
	this_cpu()->ilevel++;
}

/* What was held off is not counted here, but the next preemption must come. */
void rumpkern_replay(void)
{
	CHECK(this_cpu()->ilevel == 1);
	take_pending();
	rumpuser_timer_set(rumpuser_clock_monotonic() + 50000);
}

void rumpkern_trap(struct rumpuser_trapframe *tf)
{
	trapped++;
	CHECK(((uintptr_t)__builtin_frame_address(0) & 15) == 0);
	if (!on_trap) {
		say_hex("trap ", tf->trapno);
		say_hex("address ", tf->addr);
		rumpuser_exit(RUMPUSER_END_SIGNAL, 11);
	}
	on_trap(tf);
}

void rumpkern_fatal_trap(struct rumpuser_trapframe *tf, const char *why)
{
	say(why);
	say("\n");
	rumpuser_exit(RUMPUSER_END_PANIC, 0);
}

/* ---------------------------------------------------------------- scenarios */

static volatile uintptr_t va;
static volatile unsigned last_err;

static void trap_map(struct rumpuser_trapframe *tf)
{
	uint64_t pa;
	unsigned prot;

	if (tf->trapno == RUMPUSER_TRAPNO_PAGE) {
		last_err = (unsigned)tf->err & 0x1f;
		CHECK(tf->addr >= va && tf->addr < va + 8 * PAGE);
		if (rumpuser_pmap_extract(tf->addr, &pa, &prot))
			CHECK(rumpuser_pmap_protect(tf->addr & ~(PAGE - 1), 1, 3) == 0);
		else
			CHECK(rumpuser_pmap_enter(tf->addr & ~(PAGE - 1), rumpkern_page_alloc(), 1,
				  last_err & RUMPUSER_PFERR_WRITE ? 3 : 1) == 0);
	} else if (tf->trapno == RUMPUSER_TRAPNO_DIVIDE) {
		tf->rip += 2; /* div %ecx */
	} else {
		CHECK(tf->trapno == RUMPUSER_TRAPNO_BREAKPOINT ||
		      tf->trapno == RUMPUSER_TRAPNO_ILLEGAL ||
		      tf->trapno == RUMPUSER_TRAPNO_PROTECTION);
		if (tf->trapno != RUMPUSER_TRAPNO_BREAKPOINT)
			tf->rip += tf->trapno == RUMPUSER_TRAPNO_ILLEGAL ? 2 : 1;
	}
}

static void test_traps(void)
{
	volatile uint32_t *p;
	unsigned long keep = 0x1234567890abcdef, flags;

	va = info->va_lo + 16 * PAGE;
	p = (void *)va;
	on_trap = trap_map;
	CHECK(*p == 0 && last_err == 0);
	*p = 1;
	CHECK(last_err == (RUMPUSER_PFERR_WRITE | RUMPUSER_PFERR_PRESENT) && trapped == 2);
	p[1024] = 7;
	CHECK(last_err == RUMPUSER_PFERR_WRITE && trapped == 3);
	/* Registers, flags and the red zone survive. */
	__asm__ volatile("movq %2, %%r10; movq %%r10, -8(%%rsp); movq %%r10, -128(%%rsp); stc\n\t"
			 "int3; ud2; hlt\n\t"
			 "pushfq; popq %1\n\t"
			 "movq %%r10, %0"
			 : "=&r"(keep), "=&r"(flags)
			 : "r"(0x5555aaaa5555aaaaUL)
			 : "r10", "cc", "memory");
	CHECK(keep == 0x5555aaaa5555aaaa && (flags & 1) != 0 && trapped == 6);
	__asm__ volatile("xorl %%ecx, %%ecx; xorl %%edx, %%edx; divl %%ecx" ::
			     : "rax", "rcx", "rdx", "cc");
	CHECK(trapped == 7);
}

static volatile bool missed;
static void trap_skip(struct rumpuser_trapframe *tf)
{
	CHECK(tf->trapno == RUMPUSER_TRAPNO_PAGE);
	missed = true;
	last_err = (unsigned)tf->err & 0x1f;
	tf->rip = tf->r11;
}

/* Does a store / a load at p fault? */
static bool faults(uintptr_t p, bool write)
{
	missed = false;
	on_trap = trap_skip;
	if (write)
		__asm__ volatile("leaq 1f(%%rip), %%r11; movb $1, (%0); 1:" ::"r"(p)
				 : "r11", "memory");
	else
		__asm__ volatile("leaq 1f(%%rip), %%r11; movb (%0), %%r10b; 1:" ::"r"(p)
				 : "r11", "r10", "memory");
	return missed;
}

static void test_pmap(void)
{
	uintptr_t base = (info->va_lo + (64UL << 20)) & ~((2UL << 20) - 1);
	uint64_t pa, two = rumpkern_page_alloc();
	unsigned prot;
	int before;

	rumpkern_page_alloc();
	before = live_pages;
	base += 511 * PAGE; /* across two tables, on either alignment */
	CHECK(rumpuser_pmap_enter(base, two, 2, 3) == 0);
	CHECK(!faults(base, true) && !faults(base + PAGE, true) && faults(base + 2 * PAGE, false));
	CHECK(rumpuser_pmap_extract(base + PAGE + 5, &pa, &prot) && pa == two + PAGE + 5 &&
	      prot == 3);
	CHECK(!rumpuser_pmap_extract(base - PAGE, &pa, &prot));
	*(volatile int *)base = 99;
	CHECK(*(volatile int *)(info->physmap + two) == 99);
	CHECK(rumpuser_pmap_protect(base - 8 * PAGE, 16, 1) == 0);
	CHECK(faults(base, true) && last_err == 3 && !faults(base, false));
	CHECK(faults(base - PAGE, false) && last_err == 0 && faults(base + 2 * PAGE, false));
	CHECK(rumpuser_pmap_protect(base, 1, 0) == 0 && faults(base, false));
	CHECK(rumpuser_pmap_enter(base, two, 1, 7) == 13); /* EACCES: no executable memory */
	CHECK(rumpuser_pmap_enter(base, two, 1, 3) == 0 && !faults(base, true));
	CHECK(rumpuser_pmap_enter(info->va_hi - PAGE, two, 2, 3) == 22);
	CHECK(rumpuser_pmap_enter(base, info->mem[0].pa + info->mem[0].size, 1, 3) == 22);
	rumpuser_pmap_remove(base, 1);
	CHECK(faults(base, false) && !faults(base + PAGE, false));
	rumpuser_pmap_remove(info->va_lo, (128UL << 20) / PAGE);
	CHECK(faults(base + PAGE, false));
	CHECK(live_pages - before <= 1); /* the leaf tables went, a middle one stays */
	rumpuser_pmap_remove(info->va_lo, (info->va_hi - info->va_lo) / PAGE);
	/* Text, constants and page zero. */
	CHECK(faults((uintptr_t)test_traps, true) && faults(info->image_base, true));
	CHECK(faults(0, false) && faults(0, true));
}

static bool finds(uintptr_t from, uintptr_t end, uintptr_t va, uint64_t want_pa)
{
	uint64_t pa = want_pa;
	unsigned prot = 1;

	return rumpuser_pmap_next(from, end, &pa, &prot, NULL) == va && pa == want_pa && prot == 1;
}

/* What is passed over: single entries, tables that are missing at both levels. */
static void test_pmap_next(void)
{
	uintptr_t lo = info->va_lo + (2UL << 30) - 7 * PAGE, hi = lo + (50UL << 30);
	uintptr_t va[] = {lo, lo + 3 * PAGE, lo + (900UL << 20), lo + (5UL << 30), hi - PAGE};
	uint64_t pa = rumpkern_page_alloc();

	CHECK(
	    finds(lo, hi, hi, 0) && finds(lo, lo, lo, 0) && finds(0, info->va_lo, info->va_lo, 0));
	for (unsigned i = 0; i < 5; i++)
		CHECK(rumpuser_pmap_enter(va[i], pa, 1, 1) == 0);
	for (unsigned i = 0; i < 4; i++) {
		CHECK(finds(va[i], hi, va[i], pa));
		CHECK(finds(va[i] + PAGE, hi, va[i + 1], pa));
		CHECK(finds(va[i] + PAGE, va[i + 1], va[i + 1], 0));
	}
	CHECK(finds(0, ~0UL & ~(PAGE - 1), lo, pa));
	CHECK(finds(hi, ~0UL & ~(PAGE - 1), ~0UL & ~(PAGE - 1), 0));
	/* A protection changes what is there, in runs, and nothing between. */
	CHECK(rumpuser_pmap_protect(lo, (hi - lo) / PAGE, 3) == 0);
	CHECK(!faults(va[1], true) && faults(va[1] + PAGE, false) && !faults(va[4], true));
	rumpuser_pmap_remove(lo, (hi - lo) / PAGE);
	CHECK(finds(lo, hi, hi, 0));
}

static void test_preempt(void)
{
	static char small[2048] __attribute__((aligned(16)));
	static volatile unsigned spin_stop;
	uint64_t t0 = rumpuser_clock_monotonic();

	want_preempt = true;
	rumpuser_timer_set(t0 + 1000000);
	while (preempted == 0)
		continue;
	CHECK(rumpuser_clock_monotonic() - t0 >= 1000000);
	/* Vector registers and flags of a program on a tiny stack, under 50 us ticks. */
	for (int i = 0; i < 20; i++) {
		unsigned until = preempted + 100;

		spin_stop = 0;
		while ((int)(until - preempted) > 0)
			CHECK(prog_spin(&spin_stop, small + sizeof(small)) == 0);
	}
	want_preempt = false;
	/* Held off: noted, not delivered. */
	cpus[0].ilevel++;
	take_pending();
	counts[RUMPUSER_IRQ_TIMER] = 0;
	rumpuser_timer_set(0);
	while (cpus[0].ipending == 0)
		continue;
	CHECK(cpus[0].ipending == 1UL << RUMPUSER_IRQ_TIMER && counts[RUMPUSER_IRQ_TIMER] == 0);
	rumpuser_cpu_idle(&cpus[0]);
	take_pending();
	cpus[0].ilevel--;
	/* A deadline that moves away does not fire early, nor one taken back. */
	rumpuser_timer_set(rumpuser_clock_monotonic() + 1000000);
	rumpuser_timer_set(t0 = rumpuser_clock_monotonic() + 5000000);
	for (take_pending(); counts[RUMPUSER_IRQ_TIMER] == 0; take_pending())
		rumpuser_cpu_idle(&cpus[0]);
	CHECK(rumpuser_clock_monotonic() >= t0);
	rumpuser_timer_set(rumpuser_clock_monotonic() + 1000000);
	rumpuser_timer_set(UINT64_MAX);
	t0 = rumpuser_clock_monotonic();
	while (rumpuser_clock_monotonic() < t0 + 3000000)
		continue;
	CHECK(counts[RUMPUSER_IRQ_TIMER] == 1);
}

static volatile unsigned ping, pong;

void rumpkern_cpu_main(struct rumpuser_cpu *cpu)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	CHECK(here > cpu->kstack_base && here <= cpu->kstack_top);
	rumpuser_intr_start();
	for (;;) {
		unsigned p;

		take_pending();
		p = ping;
		if (p == pong) {
			rumpuser_cpu_idle(cpu);
			continue;
		}
		pong = p;
		rumpuser_cpu_ipi(0);
	}
}

static void cpu_describe(struct rumpuser_cpu *cpu, unsigned n)
{
	cpu->index = n;
	cpu->kstack_base = (uintptr_t)kstacks[n] + PAGE;
	cpu->kstack_top = (uintptr_t)kstacks[n] + KSTACK;
}

static void test_smp(void)
{
	uint64_t t0 = rumpuser_clock_monotonic();

	CHECK(info->ncpu == 2);
	CHECK(rumpuser_cpu_start(&cpus[0], 0) == 22);
	cpu_describe(&cpus[1], 1);
	CHECK(rumpuser_cpu_start(&cpus[1], cpus[1].kstack_top) == 0);
	CHECK(rumpuser_cpu_start(&cpus[1], cpus[1].kstack_top) == 22);
	for (unsigned i = 1; i <= 20000; i++) {
		ping = i;
		rumpuser_cpu_ipi(1);
		rumpuser_timer_set(rumpuser_clock_monotonic() + 5000000000);
		for (take_pending(); pong != i; take_pending()) {
			rumpuser_cpu_idle(&cpus[0]);
			CHECK(counts[RUMPUSER_IRQ_TIMER] == 0);
		}
	}
	say_hex("ns for a round trip ", (rumpuser_clock_monotonic() - t0) / 20000);
}

static void test_net(void)
{
	static uint8_t frame[1514];
	struct rumpuser_iovec iov[2];
	uint8_t mac[6];
	unsigned mtu, irq;
	size_t got;
	int error, n = 0;

	if (rumpuser_net_open(mac, &mtu, &irq) != 0)
		rumpuser_exit(RUMPUSER_END_EXIT, 6);
	CHECK(mac[0] == 2 && mtu == 1500 && irq >= RUMPUSER_IRQ_DEVICE);
	for (;;) {
		take_pending();
		error = rumpuser_net_recv(frame, sizeof(frame), &got);
		if (error == 11) {
			rumpuser_cpu_idle(&cpus[0]);
			continue;
		}
		if (error == 90) {
			n += 100;
			continue;
		}
		CHECK(error == 0);
		if (frame[0] == 'q')
			rumpuser_exit(RUMPUSER_END_EXIT, n);
		n++;
		iov[0] = (struct rumpuser_iovec){frame, 1};
		iov[1] = (struct rumpuser_iovec){frame + 1, got - 1};
		CHECK(rumpuser_net_send(iov, 2) == 0);
	}
}

static void test_console(void)
{
	char buf[64];
	size_t n;

	for (;;) {
		for (take_pending(); (n = rumpuser_console_read(buf, sizeof(buf))) == 0;
		     take_pending())
			rumpuser_cpu_idle(&cpus[0]);
		rumpuser_console_write(buf, n);
		if (buf[n - 1] == 'q' || (n > 1 && buf[n - 2] == 'q'))
			rumpuser_exit(RUMPUSER_END_EXIT, 0);
	}
}

static void irq_power(unsigned irq)
{
	if (irq == RUMPUSER_IRQ_POWER)
		rumpuser_exit(RUMPUSER_END_EXIT, 3);
}

static void test_power(void)
{
	on_irq = irq_power;
	say("ready\n");
	for (;;)
		rumpuser_cpu_idle(&cpus[0]);
}

static void test_overflow(void)
{
	/* The page below kstack_base is a guard, as kern's stacks have. */
	uintptr_t base = info->va_lo + (1UL << 30);
	uint64_t pa = rumpkern_page_alloc();

	CHECK(rumpuser_pmap_enter(base, pa, 1, 3) == 0);
	cpus[0].kstack_base = base;
	cpus[0].kstack_top = base + PAGE;
	__asm__ volatile("movq %0, %%rsp; 1: pushq %%rax; jmp 1b" ::"r"(base + PAGE));
}

static long forbidden(long nr, long a, long b, long c)
{
	long r;
	register long r10 __asm__("r10") = 0x22;
	register long r8 __asm__("r8") = -1;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return r;
}

static void test_time(void)
{
	uint64_t last = 0, t0 = rumpuser_clock_monotonic(), t;
	unsigned bits;
	uint8_t a[64], b[64];
	int i;

	for (i = 0; i < 100000; i++) {
		t = rumpuser_clock_monotonic();
		CHECK(t >= last);
		last = t;
	}
	say_hex("ns for clock_monotonic ", (last - t0) / 100000);
	CHECK(rumpuser_clock_wall() > 1700000000000000000UL);
	rumpuser_entropy(a, sizeof(a), &bits);
	CHECK(bits == 512);
	rumpuser_entropy(b, sizeof(b), &bits);
	for (i = 0; i < 64 && a[i] == b[i]; i++)
		continue;
	CHECK(i < 64);
	CHECK(!rumpuser_pci_present());
}

static const char *find(const char *hay, const char *needle)
{
	for (; *hay; hay++) {
		size_t i = 0;

		while (needle[i] && hay[i] == needle[i])
			i++;
		if (!needle[i])
			return hay + i;
	}
	return NULL;
}

static const struct {
	const char *name;
	void (*func)(void);
} scenarios[] = {
    {"traps", test_traps},
    {"pmap", test_pmap},
    {"pmap-next", test_pmap_next},
    {"preempt", test_preempt},
    {"smp", test_smp},
    {"net", test_net},
    {"console", test_console},
    {"power", test_power},
    {"overflow", test_overflow},
    {"time", test_time},
};

static const char *nth(const char *s)
{
	static char name[24];
	size_t i;

	for (i = 0; i < sizeof(name) - 1 && s[i] && s[i] != '"'; i++)
		name[i] = s[i];
	name[i] = '\0';
	return name;
}

static bool same(const char *a, const char *b)
{
	const char *e = find(a, b);

	return e && *e == '\0' && find(b, a);
}

void rumpkern_main(const struct rumpuser_bootinfo *bi)
{
	const char *t = find(bi->cmdline, "\"test\":\""), *name = t ? nth(t) : "hello";

	info = bi;
	next_page = bi->mem[0].pa;
	cpu_describe(&cpus[0], 0);
	rumpuser_cpu_attach(&cpus[0]);
	rumpuser_intr_start();
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (same(name, scenarios[i].name)) {
			scenarios[i].func();
			say("fine\n");
			rumpuser_exit(RUMPUSER_END_EXIT, 0);
		}
	}
	if (same(name, "signal"))
		rumpuser_exit(RUMPUSER_END_SIGNAL, 15);
	if (same(name, "segv"))
		rumpuser_exit(RUMPUSER_END_SIGNAL, 11);
	if (same(name, "panic"))
		rumpuser_exit(RUMPUSER_END_PANIC, 0);
	if (same(name, "null"))
		__asm__ volatile("movl $1, 8" ::: "memory");
	if (same(name, "getpid"))
		forbidden(39, 0, 0, 0);
	if (same(name, "open"))
		forbidden(2, (long)"/etc/passwd", 0, 0);
	if (same(name, "mmap"))
		forbidden(9, 0, 4096, 7);
	if (same(name, "mprotect"))
		forbidden(10, (long)(bi->image_end - 4096), 4096, 7);
	if (same(name, "write9"))
		forbidden(20, 9, 0, 0);
	if (same(name, "kill1"))
		forbidden(234, 1, 1, 0);
	if (same(name, "x32"))
		forbidden(0x40000000 + 39, 0, 0, 0);
	say("hello from ");
	say(bi->platform);
	say("\n");
	say_hex("base ", bi->image_base);
	say_hex("memory ", bi->mem[0].size);
	rumpuser_exit(RUMPUSER_END_EXIT, 7);
}
