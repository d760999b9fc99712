/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traps, interrupts, preemption, time and the second CPU.
 */
#include "teststub.h"

#define MS 1000000ULL
#define RW (RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE)

/* ------------------------------------------------------------------- traps */

static uintptr_t lazy_va;
static uint64_t lazy_pa;
static uintptr_t seen_tf[4];
static unsigned depth;

static bool on_kstack(uintptr_t p)
{
	return p >= cpus[0].kstack_base && p < cpus[0].kstack_top;
}

/* The first fault takes a second one on its own stack before it maps the page. */
static void lazy_map(struct rumpuser_trapframe *tf)
{
	seen_tf[depth++] = (uintptr_t)tf;
	if (depth == 1) {
		*(volatile uint64_t *)(lazy_va + 4096) = 5;
		rumpuser_pmap_enter(lazy_va, lazy_pa, 1, RW);
	} else {
		rumpuser_pmap_enter(lazy_va + 4096, lazy_pa, 1, RW);
	}
}

/*
 * Fill the red zone and all registers that C leaves us, fault, and look at
 * them.  Returns the number of the check that failed.
 */
uint64_t red_zone_fault(uintptr_t va);
__asm__(
    ".pushsection .text.red_zone_fault, \"ax\"\n"
    ".globl red_zone_fault\n"
    "red_zone_fault:\n"
    "	pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
    "	movq $16, %rcx\n"
    "1:	movq %rcx, %rax; negq %rax; movq %rcx, (%rsp,%rax,8); loop 1b\n"
    "	movq $1, %rax; movq $2, %rbx; movq $4, %rdx; movq $5, %rsi; movq $6, %rbp\n"
    "	movq $8, %r8; movq $9, %r9; movq $10, %r10; movq $11, %r11; movq $12, %r12\n"
    "	movq $13, %r13; movq $14, %r14; movq $15, %r15; stc; movq $3, %rcx\n"
    "	incq (%rdi)\n" /* leaves the carry */
    "	jnc 9f\n"
    "	cmpq $3, %rcx; jne 9f; cmpq $1, %rax; jne 9f; cmpq $2, %rbx; jne 9f; cmpq $4, %rdx; jne "
    "9f\n"
    "	cmpq $5, %rsi; jne 9f; cmpq $6, %rbp; jne 9f; cmpq $8, %r8; jne 9f; cmpq $9, %r9; jne 9f\n"
    "	cmpq $10, %r10; jne 9f; cmpq $11, %r11; jne 9f; cmpq $12, %r12; jne 9f; cmpq $13, %r13; "
    "jne 9f\n"
    "	cmpq $14, %r14; jne 9f; cmpq $15, %r15; jne 9f\n"
    "	movq $16, %rcx\n"
    "2:	movq %rcx, %rax; negq %rax; cmpq %rcx, (%rsp,%rax,8); jne 8f; loop 2b\n"
    "	xorl %eax, %eax; jmp 7f\n"
    "9:	movl $1, %eax; jmp 7f\n"
    "8:	movl $2, %eax\n"
    "7:	popq %r15; popq %r14; popq %r13; popq %r12; popq %rbp; popq %rbx; ret\n"
    ".popsection");

static uint64_t divide_rip;

static void skip_divide(struct rumpuser_trapframe *tf)
{
	CHECK(tf->trapno == RUMPUSER_TRAPNO_DIVIDE && tf->err == 0);
	tf->rip = divide_rip;
}

void test_traps(void)
{
	lazy_va = info->va_lo + 0x400000;
	lazy_pa = page_alloc();
	depth = 0;
	trap_hook = lazy_map;
	CHECK(red_zone_fault(lazy_va) == 0);
	trap_hook = NULL;
	CHECK(depth == 2);
	CHECK(on_kstack(seen_tf[0]) && on_kstack(seen_tf[1]));
	CHECK(cpus[0].kstack_top - seen_tf[0] < 256);
	CHECK(seen_tf[1] < seen_tf[0] - 128);
	CHECK((seen_tf[0] & 15) == 0 && (seen_tf[1] & 15) == 0);
	rumpuser_pmap_remove(lazy_va, 2);
	rumpkern_page_free(lazy_pa);

	trap_hook = skip_divide;
	__asm__ volatile("leaq 1f(%%rip), %%rax; movq %%rax, %0; xorl %%edx, %%edx; xorl %%ecx, "
			 "%%ecx; divl %%ecx; 1:"
			 : "=m"(divide_rip)
			 :
			 : "rax", "rcx", "rdx", "cc");
	trap_hook = NULL;
}

/* -------------------------------------------------------------------- time */

void test_clock(void)
{
	uint64_t last = rumpuser_clock_monotonic(), now, wall, i, tsc0, tsc1, a, b;
	unsigned lo, hi;

	CHECK(last < 10000 * MS);
	for (i = 0; i < 20000; i++) {
		now = rumpuser_clock_monotonic();
		CHECK(now >= last);
		CHECK(now - last < 1000 * MS);
		last = now;
	}
	wall = rumpuser_clock_wall() / 1000000000;
	CHECK(wall > 1700000000 && wall < 4000000000);
	/* The rate, over times at which it is refined, hardly changes. */
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	tsc0 = (uint64_t)hi << 32 | lo;
	a = rumpuser_clock_monotonic();
	wait_ns(10 * MS);
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	tsc1 = (uint64_t)hi << 32 | lo;
	b = rumpuser_clock_monotonic();
	i = (tsc1 - tsc0) * 1000 / ((b - a) / 1000);
	wait_ns(150 * MS);
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	tsc0 = (uint64_t)hi << 32 | lo;
	a = rumpuser_clock_monotonic();
	wait_ns(100 * MS);
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	tsc1 = (uint64_t)hi << 32 | lo;
	b = rumpuser_clock_monotonic();
	now = (tsc1 - tsc0) * 1000 / ((b - a) / 1000);
	CHECK(i > now - now / 20 && i < now + now / 20);
	wall = rumpuser_clock_wall() / 1000000000 - wall;
	CHECK(wall < 4);
	say("# wall ");
	say_hex(rumpuser_clock_wall() / 1000000000);
	say(" khz ");
	say_hex(now);
	say("\n");
}

static void idle_until(unsigned irq, unsigned count)
{
	uint64_t end = rumpuser_clock_monotonic() + 2000 * MS;

	while (intr_count[irq] < count && rumpuser_clock_monotonic() < end)
		idle(irq, count);
}

void test_timer(void)
{
	unsigned n = intr_count[RUMPUSER_IRQ_TIMER], i;
	uint64_t start, late, least = UINT64_MAX;

	for (i = 0; i < 10; i++) {
		start = rumpuser_clock_monotonic();
		rumpuser_timer_set(start + 2 * MS);
		idle_until(RUMPUSER_IRQ_TIMER, n + 1);
		late = rumpuser_clock_monotonic() - start - 2 * MS;
		CHECK(intr_count[RUMPUSER_IRQ_TIMER] == ++n);
		CHECK((int64_t)late > -1000);
		if (late < least)
			least = late;
	}
	CHECK(least < 1 * MS);
	/* An earlier setting does not fire any more, a later one does. */
	start = rumpuser_clock_monotonic();
	rumpuser_timer_set(start + 100 * MS);
	rumpuser_timer_set(start + 150 * MS);
	idle_until(RUMPUSER_IRQ_TIMER, n + 1);
	CHECK(rumpuser_clock_monotonic() >= start + 150 * MS - 1000);
	CHECK(intr_count[RUMPUSER_IRQ_TIMER] == ++n);
	/* Disarmed; in the past; noted while masked. */
	rumpuser_timer_set(rumpuser_clock_monotonic() + 100 * MS);
	rumpuser_timer_set(UINT64_MAX);
	wait_ns(150 * MS);
	CHECK(intr_count[RUMPUSER_IRQ_TIMER] == n);
	rumpuser_timer_set(1);
	idle_until(RUMPUSER_IRQ_TIMER, n + 1);
	CHECK(intr_count[RUMPUSER_IRQ_TIMER] == ++n);
	cpus[0].ilevel = 1;
	rumpuser_timer_set(1);
	start = rumpuser_clock_monotonic();
	while (cpus[0].ipending == 0 && rumpuser_clock_monotonic() - start < 2000 * MS)
		__asm__ volatile("pause");
	CHECK(intr_count[RUMPUSER_IRQ_TIMER] == n);
	CHECK(cpus[0].ipending == 1U << RUMPUSER_IRQ_TIMER);
	cpus[0].ilevel = 0;
	rumpuser_cpu_idle(&cpus[0]); /* returns, for something waits */
	cpus[0].ipending = 0;
}

/* -------------------------------------------------------------- preemption */

static bool preempted_on_kstack;
static volatile bool stop;

static void preempted(struct rumpuser_trapframe *tf)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	preempted_on_kstack = on_kstack((uintptr_t)tf) && (flags & 0x200) && (tf->rflags & 0x200);
	if (preempt_count >= 30)
		stop = true;
	if (preempt_count % 3 == 0)
		rumpuser_timer_set(1); /* comes while we are here */
	wait_ns(20000);
	rumpuser_timer_set(rumpuser_clock_monotonic() + 50000);
}

/* Loop with known registers and red zone until *flag; 0 if they kept. */
uint64_t busy_loop(volatile bool *flag);
__asm__(
    ".pushsection .text.busy_loop, \"ax\"\n"
    ".globl busy_loop\n"
    "busy_loop:\n"
    "	pushq %rbx; pushq %r12\n"
    "	movl $1, %ebx; movl $12, %r12d; movl $8, %r8d; movl $0x5a5a, %ecx\n"
    "	movq %rcx, -8(%rsp); movq %rcx, -128(%rsp)\n"
    "1:	cmpq $8, %r8; jne 9f; cmpq $12, %r12; jne 9f; cmpq $1, %rbx; jne 9f\n"
    "	cmpq %rcx, -8(%rsp); jne 9f; cmpq %rcx, -128(%rsp); jne 9f; cmpq $0x5a5a, %rcx; jne 9f\n"
    "	cmpb $0, (%rdi); je 1b\n"
    "	xorl %eax, %eax; jmp 2f\n"
    "9:	movl $1, %eax\n"
    "2:	popq %r12; popq %rbx; ret\n"
    ".popsection");

void test_preempt(void)
{
	preempt_count = 0;
	preempt_hook = preempted;
	want_preempt = true;
	rumpuser_timer_set(1);
	CHECK(busy_loop(&stop) == 0);
	want_preempt = false;
	preempt_hook = NULL;
	rumpuser_timer_set(UINT64_MAX);
	CHECK(preempt_count >= 30);
	CHECK(preempted_on_kstack);
}

/* -------------------------------------------------------------- interrupts */

static void out(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

void test_irqs(void)
{
	unsigned irq, first = 0, n, i;
	uint64_t addr;
	uint32_t data;
	void *va;

	/* The 8254 in one-shot mode: an edge on line 2 (ISA 0), or 0 on a microvm. */
	i = rumpuser_intr_gsi(2, false, false, 0, &irq);
	CHECK(i == 0 && irq >= RUMPUSER_IRQ_DEVICE);
	CHECK(rumpuser_intr_gsi(0, false, false, 0, &n) == 0 && n != irq);
	out(0x43, 0x30);
	out(0x40, 0x00);
	out(0x40, 0x04);
	wait_ns(20 * MS);
	CHECK(intr_count[irq] + intr_count[n] >= 1 && intr_count[irq] + intr_count[n] <= 2);
	CHECK(rumpuser_intr_gsi(300, false, false, 0, &irq) != 0);
	CHECK(rumpuser_intr_gsi(5, true, false, 9, &irq) != 0);
	for (n = 0; rumpuser_intr_msi(0, &irq, &addr, &data) == 0; n++) {
		if (n == 0)
			first = irq;
		CHECK(irq == first + n && irq < RUMPUSER_IRQ_MAX);
		CHECK((addr & 0xfff00000) == 0xfee00000 && data >= 32 && data < 256);
	}
	CHECK(n > 40);
	CHECK(rumpuser_mmio_map(0xfee00030, 4, &va) == 0);
	CHECK((*(volatile uint32_t *)va & 0xff) >= 0x10); /* the version of the local APIC */
	if (rumpuser_pci_present())
		CHECK(rumpuser_pci_read(0, 0, 0, 0, 2) == 0x8086 &&
		      rumpuser_pci_read(0, 31, 7, 0, 4) != 0);
	else
		say("# no PCI\n");
}

/* --------------------------------------------------------------------- SMP */

static volatile uint64_t seen;
static volatile unsigned go;
static uint64_t page[2];
static uint8_t stack1[8192] __attribute__((aligned(16)));

static void reader(void)
{
	volatile uint64_t *p = (volatile uint64_t *)(info->va_lo + 0x600000);

	while (go == 0)
		seen = *p;
	seen = 77;
}

static void in_turn(void)
{
	volatile uint64_t *p = (volatile uint64_t *)(info->va_lo + 0x800000);
	uint64_t pa = page_alloc(), i;

	for (i = 0; i < 200; i++) {
		CHECK(rumpuser_pmap_enter((uintptr_t)p, pa, 1, RW) == 0);
		*p = i;
		rumpuser_pmap_remove((uintptr_t)p, 1);
	}
}

/* A timer on CPU 1, which runs this: neither early nor for ever. */
static volatile uint64_t timer_took;
static volatile bool timer_came;

static void timer_hook(unsigned irq)
{
	uint32_t cpu;

	__asm__ volatile("movl %%gs:%c1, %0"
			 : "=r"(cpu)
			 : "i"(offsetof(struct rumpuser_cpu, index)));
	if (irq == RUMPUSER_IRQ_TIMER && cpu == 1)
		timer_came = true;
}

static void own_timer(void)
{
	uint64_t start = rumpuser_clock_monotonic(), now;

	intr_hook = timer_hook;
	rumpuser_timer_set(start + 5 * MS);
	do {
		now = rumpuser_clock_monotonic();
	} while (!timer_came && now - start < 5000 * MS);
	intr_hook = NULL;
	timer_took = rumpuser_clock_monotonic() - start;
}

static bool wait_for(volatile uint64_t *p, uint64_t v)
{
	uint64_t end = rumpuser_clock_monotonic() + 20000 * MS;

	while (*p != v && rumpuser_clock_monotonic() < end)
		__asm__ volatile("pause");
	return *p == v;
}

static bool job_done(void)
{
	uint64_t end = rumpuser_clock_monotonic() + 20000 * MS;

	while (cpu1_job != NULL && rumpuser_clock_monotonic() < end)
		__asm__ volatile("pause");
	return cpu1_job == NULL;
}

extern uint32_t hw_apic_ids[];
extern uint64_t hw_trampoline_pa;
void hw_lapic_start_ap(uint32_t apic_id, uint64_t trampoline);

/* A CPU that does not answer in time, and comes after all. */
void late_cpu(void)
{
	uint32_t id = hw_apic_ids[1];

	CHECK(info->ncpu == 2);
	hw_apic_ids[1] = 0x5a;							      /* nobody */
	CHECK(rumpuser_cpu_start(&cpus[1], (uintptr_t)stack1 + sizeof(stack1)) == 5); /* EIO */
	cpu1_job = reader;
	hw_lapic_start_ap(id, hw_trampoline_pa);
	wait_ns(200 * MS);
	/* It has not come to kern, and nothing has happened to us. */
	CHECK(cpu1_job == reader && seen == 0);
	hw_apic_ids[1] = id;
	CHECK(rumpuser_cpu_start(&cpus[1], (uintptr_t)stack1 + sizeof(stack1)) == 5);
	CHECK(cpu1_job == reader && seen == 0);
}

void test_smp(void)
{
	uintptr_t va = info->va_lo + 0x600000;
	uint64_t t0;
	unsigned i, n;

	if (info->ncpu < 2) {
		CHECK(rumpuser_cpu_start(&cpus[1], (uintptr_t)stack1 + sizeof(stack1)) ==
		      22); /* EINVAL */
		return;
	}
	for (i = 0; i < 2; i++) {
		page[i] = page_alloc();
		*(volatile uint64_t *)(info->physmap + page[i]) = 100 + i;
	}
	CHECK(rumpuser_pmap_enter(va, page[0], 1, RW) == 0);
	cpu1_job = reader;
	t0 = rumpuser_clock_monotonic();
	CHECK(rumpuser_cpu_start(&cpus[1], (uintptr_t)stack1 + sizeof(stack1)) == 0);
	say("# CPU 1 started in ns ");
	say_hex(rumpuser_clock_monotonic() - t0);
	say("\n");
	CHECK(wait_for(&seen, 100));
	for (i = 1; i < 200; i++) {
		CHECK(rumpuser_pmap_enter(va, page[i & 1], 1, RW) == 0);
		n = i & 1 ? 101 : 100;
		CHECK(wait_for(&seen, n));
	}
	go = 1;
	CHECK(wait_for(&seen, 77));
	CHECK(job_done());
	wait_ns(5 * MS);
	cpu1_job = own_timer;
	rumpuser_cpu_ipi(1);
	CHECK(job_done());
	CHECK(timer_took >= 5 * MS - 1000 && timer_took < 5000 * MS);
	/* Both change their page tables at once. */
	wait_ns(5 * MS);
	cpu1_job = in_turn;
	rumpuser_cpu_ipi(1);
	for (i = 0; i < 200; i++)
		CHECK(rumpuser_pmap_enter(va, page[i & 1], 1, RW) == 0);
	CHECK(job_done());
	CHECK(intr_count[RUMPUSER_IRQ_IPI] >= 1);
	/* It idles now, and must wake up with what has changed meanwhile. */
	wait_ns(5 * MS);
	CHECK(rumpuser_pmap_enter(va, page[0], 1, RW) == 0);
	go = 0;
	seen = 0;
	cpu1_job = reader;
	rumpuser_cpu_ipi(1);
	CHECK(wait_for(&seen, 100));
	go = 1;
	CHECK(job_done());
}
