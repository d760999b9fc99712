/* SPDX-License-Identifier: BSD-2-Clause */
#include "teststub.h"

const struct rumpuser_bootinfo *info;
struct rumpuser_cpu cpus[2];
volatile unsigned intr_count[RUMPUSER_IRQ_MAX];
volatile unsigned preempt_count, trap_count;
volatile bool want_preempt;
void (*volatile trap_hook)(struct rumpuser_trapframe *tf);
void (*volatile preempt_hook)(struct rumpuser_trapframe *tf);
void (*volatile intr_hook)(unsigned irq);
void (*volatile cpu1_job)(void);

static uint8_t kstack[2][KSTACK_SIZE] __attribute__((aligned(4096)));
struct rumpuser_memregion free_mem[32];
static unsigned failures, allocated;
static uint64_t free_list;

/* ------------------------------------------------------------------ tools */

void say(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0')
		n++;
	rumpuser_console_write(s, n);
}

void say_hex(uint64_t v)
{
	char buf[16];
	int i;

	for (i = 15; i >= 0; i--, v >>= 4)
		buf[i] = "0123456789abcdef"[v & 15];
	rumpuser_console_write(buf, 16);
}

void check(bool ok, const char *name)
{
	if (ok)
		return;
	failures++;
	say("FAIL ");
	say(name);
	say("\n");
}

void finish(void)
{
	rumpuser_exit(RUMPUSER_END_EXIT, failures > 100 ? 100 : failures);
}

void wait_ns(uint64_t ns)
{
	uint64_t end = rumpuser_clock_monotonic() + ns;

	while (rumpuser_clock_monotonic() < end)
		__asm__ volatile("pause");
}

/* With ilevel raised, what arrives after the caller's look is noted, and ends the idling. */
void idle(unsigned irq, unsigned count)
{
	uint64_t pending;
	unsigned i;

	cpus[0].ilevel = 1;
	if (intr_count[irq] < count)
		rumpuser_cpu_idle(&cpus[0]);
	cpus[0].ilevel = 0;
	pending = __atomic_exchange_n(&cpus[0].ipending, 0, __ATOMIC_ACQ_REL);
	for (i = 0; i < RUMPUSER_IRQ_MAX; i++)
		if (pending >> i & 1) {
			intr_count[i]++;
			rumpuser_intr_replayed(i);
		}
}

static bool begins(const char *s, const char *with)
{
	while (*with != '\0')
		if (*s++ != *with++)
			return false;
	return true;
}

static bool wanted(const char *name)
{
	return begins(info->cmdline, "all") || begins(info->cmdline, name);
}

/* Access with a way out: the trap hook goes to the label at catch_rip. */
static uintptr_t catch_rip;
static volatile uint32_t caught;

static void catch (struct rumpuser_trapframe *tf)
{
	caught = tf->trapno == RUMPUSER_TRAPNO_PAGE ? FAULTED | tf->err : UINT32_MAX;
	tf->rip = catch_rip;
}

/* rbx keeps the stack pointer, for the way out. */
#define TRY(insn)                                                                                  \
	trap_hook = catch;                                                                         \
	caught = 0;                                                                                \
	__asm__ volatile("movq %%rsp, %%rbx; leaq 1f(%%rip), %%rcx; movq %%rcx, %0; " insn         \
			 "; 1: movq %%rbx, %%rsp"                                                  \
			 : "=m"(catch_rip)                                                         \
			 : "r"(p)                                                                  \
			 : "rbx", "rcx", "rdx", "memory", "cc");                                   \
	trap_hook = NULL

uint32_t try_read(const void *p)
{
	TRY("movb (%1), %%dl");
	return caught;
}

uint32_t try_write(void *p)
{
	TRY("movb $0xc3, (%1)");
	return caught;
}

uint32_t try_exec(void *p)
{
	TRY("call *%1");
	return caught;
}

/* ---------------------------------------------------------------- upcalls */

bool refuse_pages;

uint64_t rumpkern_page_alloc(void)
{
	uint64_t pa, *p;
	unsigned i;

	if (refuse_pages)
		return 0;
	if (free_list != 0) {
		pa = free_list;
		p = (uint64_t *)(info->physmap + pa);
		free_list = *p;
		*p = 0;
		allocated++;
		return pa;
	}
	for (i = info->nmem; i-- > 0;)
		if (free_mem[i].size > 0) {
			free_mem[i].size -= 4096;
			pa = free_mem[i].pa + free_mem[i].size;
			p = (uint64_t *)(info->physmap + pa);
			for (i = 0; i < 512; i++)
				p[i] = 0;
			allocated++;
			return pa;
		}
	return 0;
}

void rumpkern_page_free(uint64_t pa)
{
	uint64_t *p = (uint64_t *)(info->physmap + pa);
	unsigned i;

	for (i = 0; i < 512; i++)
		p[i] = 0;
	*p = free_list;
	free_list = pa;
	allocated--;
}

uint64_t page_alloc(void)
{
	return rumpkern_page_alloc();
}

unsigned pages_out(void)
{
	return allocated;
}

static struct rumpuser_cpu *curcpu(void)
{
	struct rumpuser_cpu *cpu;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

bool rumpkern_intr(unsigned irq, struct rumpuser_trapframe *tf)
{
	struct rumpuser_cpu *cpu = curcpu();

	cpu->ilevel++;
	CHECK(tf->trapno == RUMPUSER_TRAPNO_INTR);
	CHECK(cpu->ilevel == 1);
	if (irq < RUMPUSER_IRQ_MAX)
		intr_count[irq]++;
	if (intr_hook != NULL)
		intr_hook(irq);
	cpu->ilevel--;
	return want_preempt;
}

void rumpkern_preempt(struct rumpuser_trapframe *tf)
{
	preempt_count++;
	if (preempt_hook != NULL)
		preempt_hook(tf);
	curcpu()->ilevel++;
}

void rumpkern_replay(void)
{
	struct rumpuser_cpu *cpu = curcpu();
	uint64_t pending = __atomic_exchange_n(&cpu->ipending, 0, __ATOMIC_ACQ_REL);
	unsigned irq;

	CHECK(cpu->ilevel == 1);
	for (irq = 0; irq < RUMPUSER_IRQ_MAX; irq++)
		if (pending >> irq & 1)
			intr_count[irq]++;
	if (want_preempt) /* the next one must not be missed */
		rumpuser_timer_set(rumpuser_clock_monotonic() + 50000);
}

void rumpkern_trap(struct rumpuser_trapframe *tf)
{
	trap_count++;
	if (trap_hook != NULL) {
		trap_hook(tf);
		return;
	}
	say("FAIL trap ");
	say_hex(tf->trapno);
	say(" rip ");
	say_hex(tf->rip - info->image_base);
	say(" addr ");
	say_hex(tf->addr);
	say("\n");
	rumpuser_exit(RUMPUSER_END_PANIC, 0);
}

void rumpkern_fatal_trap(struct rumpuser_trapframe *tf, const char *why)
{
	say("fatal: ");
	say(why);
	say("\n");
	rumpuser_exit(RUMPUSER_END_PANIC, 0);
}

void rumpkern_cpu_main(struct rumpuser_cpu *cpu)
{
	rumpuser_intr_start();
	for (;;) {
		cpu->ilevel = 1;
		if (cpu1_job == NULL)
			rumpuser_cpu_idle(cpu);
		cpu->ilevel = 0;
		if (__atomic_exchange_n(&cpu->ipending, 0, __ATOMIC_ACQ_REL) &
		    1U << RUMPUSER_IRQ_IPI)
			intr_count[RUMPUSER_IRQ_IPI]++;
		if (cpu1_job != NULL) {
			cpu1_job();
			cpu1_job = NULL;
		}
	}
}

/* ------------------------------------------------------------ single tests */

static unsigned recurse(volatile unsigned *p)
{
	volatile unsigned here[64];

	here[0] = *p + 1;
	if (here[0] != 0)
		here[1] = recurse(here);
	return here[1];
}

static void overflow_kstack(void)
{
	volatile unsigned n = 0;

	recurse(&n);
}

static void fault_in_interrupt(unsigned irq)
{
	__asm__ volatile("movl $1, 8");
}

static void power_button(void)
{
	say("waiting\n");
	while (intr_count[RUMPUSER_IRQ_POWER] == 0)
		idle(RUMPUSER_IRQ_POWER, 1);
	say("power button\n");
	rumpuser_exit(RUMPUSER_END_EXIT, 42);
}

static void echo(void)
{
	unsigned n;
	char c;

	say("waiting\n");
	for (;;) {
		n = intr_count[RUMPUSER_IRQ_CONSOLE];
		while (rumpuser_console_read(&c, 1) == 1) {
			if (c == 'q')
				rumpuser_exit(RUMPUSER_END_EXIT,
				    intr_count[RUMPUSER_IRQ_CONSOLE] > 0 ? 7 : 8);
			rumpuser_console_write(&c, 1);
		}
		idle(RUMPUSER_IRQ_CONSOLE, n + 1);
	}
}

static void ends(void)
{
	if (wanted("signal"))
		rumpuser_exit(RUMPUSER_END_SIGNAL, 11);
	if (wanted("panic"))
		rumpuser_exit(RUMPUSER_END_PANIC, 0);
	if (wanted("exit"))
		rumpuser_exit(RUMPUSER_END_EXIT, 255);
	if (wanted("overflow"))
		on_stack(overflow_kstack, kstack[0] + KSTACK_SIZE);
	if (wanted("nested")) {
		intr_hook = fault_in_interrupt;
		rumpuser_timer_set(0);
		wait_ns(1000000000);
	}
	if (wanted("double"))
		__asm__ volatile("int $8");
	if (wanted("late")) {
		late_cpu();
		finish();
	}
	if (wanted("base")) {
		say_hex(info->image_base);
		say(" ");
		say_hex(info->physmap);
		say("\n");
		finish();
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
    {"boot", test_boot},
    {"protection", test_protection},
    {"pmap", test_pmap},
    {"traps", test_traps},
    {"clock", test_clock},
    {"timer", test_timer},
    {"preempt", test_preempt},
    {"irqs", test_irqs},
    {"smp", test_smp},
};

/* From a stack of our own: the boot stack is not the kernel stack of any lwp. */
static void run(void)
{
	unsigned i, before;

	if (!begins(info->cmdline, "all"))
		ends();
	if (begins(info->cmdline, "power"))
		power_button();
	if (begins(info->cmdline, "echo"))
		echo();
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (!wanted(tests[i].name))
			continue;
		before = failures;
		tests[i].run();
		say(failures == before ? "ok " : "FAIL ");
		say(tests[i].name);
		say("\n");
	}
	finish();
}

void rumpkern_main(const struct rumpuser_bootinfo *bi)
{
	static uint8_t program_stack[8192] __attribute__((aligned(16)));
	uintptr_t guard;
	unsigned i;

	info = bi;
	for (i = 0; i < bi->nmem && i < 32; i++)
		free_mem[i] = bi->mem[i];
	for (i = 0; i < 2; i++) {
		cpus[i].index = i;
		cpus[i].kstack_base = (uintptr_t)kstack[i];
		cpus[i].kstack_top = (uintptr_t)kstack[i] + KSTACK_SIZE;
	}
	/* The lowest page of the boot CPU's stack is its guard. */
	guard = (uintptr_t)kstack[0];
	rumpuser_pmap_remove(guard, 1);
	cpus[0].kstack_base = guard + 4096;
	rumpuser_cpu_attach(&cpus[0]);
	rumpuser_intr_start();
	on_stack(run, program_stack + sizeof(program_stack));
	finish();
}

__asm__(".pushsection .text.on_stack, \"ax\"\n"
	".globl on_stack\n"
	"on_stack: pushq %rbp; movq %rsp, %rbp; movq %rsi, %rsp; call *%rdi; movq %rbp, %rsp; popq "
	"%rbp; ret\n"
	".popsection");
