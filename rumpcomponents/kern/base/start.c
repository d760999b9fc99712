/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the platform's upcall to the program.
 *
 * The boot context becomes the idle lwp of CPU 0, on the platform's boot stack.
 * It makes the main lwp, which starts the other CPUs, then the components in the
 * order of their phases, and becomes the program's first thread.
 */
#include "base_impl.h"
#include <kern/component.h>
#include <kern/config_init.h>
#include <kern/kmem.h>
#include <kern/mem_init.h>

#define REP_MIN 512 /* where rep movsb begins to pay */

LINK_SET_DECLARE(components, const struct rump_component);

static struct cpu_info cpu0;
static struct lwp idle0;
static struct rumpuser_bootinfo bootinfo;
const struct rumpuser_bootinfo *kern_bootinfo = &bootinfo;

extern uint64_t mem_rep_min;

const char *kern_cmdline(void)
{
	return bootinfo.cmdline;
}

/* Fast string instructions, unless an emulator takes them element by element. */
static void mem_init_rep(void)
{
	uint32_t a = 7, b, c = 0, d, max = 0;

	__asm__ volatile("cpuid" : "+a"(max), "=b"(b), "+c"(c), "=d"(d));
	if (max < 7)
		return;
	c = 0;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (!(b & 1U << 9)) /* ERMS */
		return;
	a = 1;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (c >> 31) {
		a = 0x40000000;
		__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		if (b == 0x54474354) /* "TCGT" */
			return;
	}
	mem_rep_min = REP_MIN;
}

/* The soft-interrupt lwp of ci; ENOMEM. */
static int softint_start(struct cpu_info *ci)
{
	struct lwp *l = lwp_alloc(PRI_SOFTINT, "softint");

	if (l == NULL)
		return ENOMEM;
	l->l_bound = true;
	l->l_cpu = ci;
	cpu_lwp_frame(l, softint_thread, ci);
	ci->ci_softlwp = l;
	return 0;
}

static int start_cpu(unsigned index)
{
	struct cpu_info *ci = cpu_infos[index];
	struct lwp *idle = lwp_alloc(PRI_IDLE, "idle");

	if (idle == NULL || softint_start(ci) != 0)
		return ENOMEM;
	idle->l_bound = true;
	idle->l_cpu = ci;
	idle->l_oncpu = 1;
	idle->l_stat = LSONPROC;
	ci->ci_idle = idle;
	rumpuser_set_curlwp(&ci->ci_cpu, idle);
	ci->ci_cpu.kstack_base = idle->l_kstack_base;
	ci->ci_cpu.kstack_top = idle->l_kstack_top;
	return rumpuser_cpu_start(&ci->ci_cpu, idle->l_kstack_top);
}

void rumpkern_cpu_main(struct rumpuser_cpu *cpu)
{
	struct cpu_info *ci = (struct cpu_info *)cpu;

	lwp_start(ci->ci_softlwp);
	ci->ci_online = true;
	ci->ci_cpu.ilevel = 0;
	rumpuser_intr_start();
	sched_idle_loop();
}

/* CPUs are numbered without gaps: the first that does not start is the last that is tried. */
static void start_cpus(void)
{
	int error;

	for (unsigned i = 1; i < cpu_count; i++) {
		error = start_cpu(i);
		if (error != 0) {
			kprintf("kiln: CPU %u does not start: error %d; going on with %u\n", i,
			    error, i);
			/* Its block stays, the platform may know it. */
			cpu_count = i;
			break;
		}
		while (!cpu_infos[i]->ci_online)
			lwp_yield();
	}
}

static void start_components(void)
{
	const struct rump_component *const *rc;
	int error;

	for (int phase = 0; phase < RUMP_NPHASES; phase++) {
		LINK_SET_FOREACH (rc, components) {
			if ((int)(*rc)->rc_phase != phase || (error = (*rc)->rc_init()) == 0)
				continue;
			kprintf("kiln: %s does not start: error %d\n", (*rc)->rc_name, error);
			rumpuser_exit(RUMPUSER_END_PANIC, 0);
		}
	}
}

static void main_lwp(void *arg)
{
	start_cpus();
	start_components();
	base_start_program();
}

/* Blocks of the other CPUs; those that there is no memory for are left out. */
static void alloc_cpus(unsigned ncpu)
{
	for (unsigned i = 1; i < KMIN(ncpu, RUMPUSER_MAXCPUS); i++) {
		struct cpu_info *ci = kmem_zalloc(sizeof(*ci));

		if (ci == NULL)
			break;
		cpu_init(ci, i);
		ci->ci_cpu.canary = cpu0.ci_cpu.canary;
		cpu_infos[i] = ci;
		cpu_count = i + 1;
	}
}

static void start(uintptr_t sp) __attribute__((noreturn, noinline));
static void start(uintptr_t sp)
{
	struct lwp *l;

	idle0.l_kernel = idle0.l_bound = true;
	proc_first.p_pid = 1;
	idle0.l_proc = &proc_first;
	idle0.l_cpu = &cpu0;
	idle0.l_stat = LSONPROC;
	idle0.l_oncpu = 1;
	idle0.l_kstack_top = ROUNDUP(sp, 16);
	idle0.l_kstack_base = trunc_page(sp - KSTACK_SIZE);
	strlcpy(idle0.l_name, "idle", sizeof(idle0.l_name));
	cpu0.ci_cpu.kstack_base = idle0.l_kstack_base;
	cpu0.ci_cpu.kstack_top = idle0.l_kstack_top;
	cpu0.ci_idle = &idle0;
	cpu0.ci_online = true;
	/* Nothing interrupts us before rumpuser_intr_start(), and adaptive locks want 0. */
	cpu0.ci_cpu.ilevel = 0;

	mem_init_rep();
	cpu_fpu_init();
	page_init(bootinfo.mem, bootinfo.nmem, bootinfo.physmap, bootinfo.ncpu);
	vm_init(bootinfo.va_lo, bootinfo.va_hi);
	if (config_init(bootinfo.cmdline) != 0)
		rumpuser_exit(RUMPUSER_END_PANIC, 0);
	alloc_cpus(bootinfo.ncpu);
	l = lwp_alloc(PRI_USER, "main");
	if (l == NULL || softint_start(&cpu0) != 0)
		panic("no memory for the first threads");
	cpu_lwp_frame(l, main_lwp, NULL);
	lwp_start(cpu0.ci_softlwp);
	lwp_start(l);
	rumpuser_intr_start();
	sched_idle_loop();
}

/* Without a canary of its own: GS is not there yet. */
__attribute__((no_stack_protector)) void rumpkern_main(const struct rumpuser_bootinfo *info)
{
	uint64_t seed = 0;
	uint32_t lo, hi;
	unsigned bits;

	cpu_init(&cpu0, 0);
	cpu_infos[0] = &cpu0;
	rumpuser_set_curlwp(&cpu0.ci_cpu, &idle0);
	rumpuser_cpu_attach(&cpu0.ci_cpu);
	bootinfo = *info;
	rumpuser_entropy(&seed, sizeof(seed), &bits);
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	seed = (seed ^ ((uint64_t)hi << 32 | lo)) * 0x9e3779b97f4a7c15ULL;
	cpu0.ci_cpu.canary = (seed ^ seed >> 29) & ~0xffULL; /* a NUL stops string functions */
	start((uintptr_t)__builtin_frame_address(0));
}
