/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.c - processors: features, descriptor tables, the per-CPU block, idling.
 */
#include "machine.h"

#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101

struct gate {
	uint16_t offset_lo, selector;
	uint8_t ist, type;
	uint16_t offset_mid;
	uint32_t offset_hi, reserved;
};

struct table_ptr {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

struct hw_features hw_features;
struct hw_cpu *hw_cpus[RUMPUSER_MAXCPUS];
static struct gate idt[HW_NVECTORS] __attribute__((aligned(16)));

void hw_features_init(void)
{
	struct hw_cpuid r = hw_cpuid(1, 0);
	struct hw_features *f = &hw_features;
	uint32_t max = hw_cpuid(0, 0).a;

	f->x2apic = r.c >> 21 & 1;
	f->tsc_deadline = r.c >> 24 & 1;
	f->xsave = r.c >> 26 & 1;
	f->rdrand = r.c >> 30 & 1;
	f->hypervisor = r.c >> 31;
	if (max >= 7) {
		r = hw_cpuid(7, 0);
		f->fsgsbase = r.b & 1;
		f->rdseed = r.b >> 18 & 1;
	}
	r = hw_cpuid(0x80000001, 0);
	f->nx = r.d >> 20 & 1;
	f->gbpages = r.d >> 26 & 1;
	if (!f->hypervisor)
		return;
	r = hw_cpuid(0x40000000, 0);
	f->hv_leaf = r.a;
	f->kvm = r.b == 0x4b4d564b && r.c == 0x564b4d56 && r.d == 0x4d;	      /* KVMKVMKVM */
	f->tcg = r.b == 0x54474354 && r.c == 0x43544743 && r.d == 0x47435447; /* TCGTCGTCGTCG */
	/* KVM of old says 0 there and means its first leaf. */
	if (f->kvm && f->hv_leaf == 0)
		f->hv_leaf = 0x40000001;
}

static void set_gate(unsigned vector, uintptr_t entry, unsigned ist)
{
	idt[vector] = (struct gate){
	    .offset_lo = entry,
	    .selector = HW_SEL_CODE,
	    .ist = ist,
	    .type = 0x8e,
	    .offset_mid = entry >> 16,
	    .offset_hi = entry >> 32,
	};
}

static void idt_init(void)
{
	uintptr_t entry = (uintptr_t)hw_trap_vectors;
	unsigned i, ist;

	for (i = 0; i < HW_VECTOR_BASE; i++, entry += HW_STUB_SIZE) {
		ist = HW_IST_TRAP;
		if (i == RUMPUSER_TRAPNO_NMI)
			ist = HW_IST_NMI;
		else if (i == RUMPUSER_TRAPNO_DOUBLE)
			ist = HW_IST_DOUBLE;
		else if (i == RUMPUSER_TRAPNO_MACHINE)
			ist = HW_IST_MACHINE;
		set_gate(i, entry, ist);
	}
	entry = (uintptr_t)hw_intr_vectors;
	for (i = 0; i < HW_NIRQS; i++, entry += HW_STUB_SIZE) {
		if (i == HW_NIRQS / 2)
			entry += HW_STUB_GAP;
		set_gate(HW_VECTOR_BASE + i, entry, HW_IST_INTR);
	}
}

/* Upper end of a stack, as the processor wants it: it aligns down itself. */
#define STACK_END(stack) ((uintptr_t)(stack) + sizeof(stack))

static void descriptor_tables(struct hw_cpu *hc)
{
	uintptr_t tss = (uintptr_t)&hc->tss;
	struct table_ptr gdtr = {sizeof(hc->gdt) - 1, (uintptr_t)hc->gdt};
	struct table_ptr idtr = {sizeof(idt) - 1, (uintptr_t)idt};

	hc->tss.ist[HW_IST_INTR - 1] = (uintptr_t)hc;
	hc->tss.ist[HW_IST_TRAP - 1] = STACK_END(hc->trap_stack);
	hc->tss.ist[HW_IST_NMI - 1] = STACK_END(hc->nmi_stack);
	hc->tss.ist[HW_IST_DOUBLE - 1] = STACK_END(hc->double_stack);
	hc->tss.ist[HW_IST_MACHINE - 1] = STACK_END(hc->machine_stack);
	hc->tss.iomap = sizeof(hc->tss);
	hc->gdt[HW_SEL_CODE / 8] = HW_DESC_CODE;
	hc->gdt[HW_SEL_DATA / 8] = HW_DESC_DATA;
	hc->gdt[HW_SEL_TSS / 8] = (sizeof(hc->tss) - 1) | (tss & 0xffffff) << 16 | 0x89ULL << 40 |
				  (tss >> 24 & 0xff) << 56;
	hc->gdt[HW_SEL_TSS / 8 + 1] = tss >> 32;
	__asm__ volatile("lgdt %0; lidt %1; ltr %w2"
			 :
			 : "m"(gdtr), "m"(idtr), "r"(HW_SEL_TSS)
			 : "memory");
}

void hw_cpu_init(struct hw_cpu *hc, unsigned index)
{
	hc->index = index;
	hc->deadline = hc->armed = UINT64_MAX;
	hc->icr_dest = UINT32_MAX;
	descriptor_tables(hc);
	hw_control_registers();
}

void hw_set_gs(struct rumpuser_cpu *cpu)
{
	hw_wrmsr(MSR_GS_BASE, (uintptr_t)cpu);
}

void hw_cpu_boot_init(void)
{
	idt_init();
	hw_cpus[0] = &hw_cpu0;
	hw_boot_block();
	hw_cpu_init(&hw_cpu0, 0);
}

/* For fatal traps of all sorts: vectors.S comes here on the fatal stack. */
void hw_fatal(struct rumpuser_trapframe *tf, unsigned why) __attribute__((noreturn));
void hw_fatal(struct rumpuser_trapframe *tf, unsigned why)
{
	const char *s = "unexpected trap";

	if (why == 1)
		s = "kernel stack overflow";
	else if (why == 2)
		s = "trap in an interrupt handler";
	else if (tf->trapno == RUMPUSER_TRAPNO_NMI)
		s = "non-maskable interrupt";
	else if (tf->trapno == RUMPUSER_TRAPNO_DOUBLE)
		s = "double fault";
	else if (tf->trapno == RUMPUSER_TRAPNO_MACHINE)
		s = "machine check";
	rumpkern_fatal_trap(tf, s);
}

/* The end of any machine, and all that can be done before hw_main(). */
void hw_triple_fault(void)
{
	const struct table_ptr no_idt = {0, 0};

	__asm__ volatile("lidt %0; ud2" : : "m"(no_idt));
	for (;;)
		__asm__ volatile("hlt");
}

void rumpuser_intr_start(void)
{
	struct hw_cpu *hc = hw_self();

	if (hc->index == 0)
		hw_machine_power_init();
	__asm__ volatile("sti" : : : "memory");
}

void rumpuser_cpu_idle(struct rumpuser_cpu *cpu)
{
	struct hw_cpu *hc = cpu->platform;

	__asm__ volatile("cli" : : : "memory");
	if (cpu->ipending != 0) {
		__asm__ volatile("sti" : : : "memory");
		return;
	}
	__atomic_store_n(&hc->idle, HW_IDLE, __ATOMIC_RELEASE);
	/* sti takes effect after hlt has begun; hw_intr() ends the idle state. */
	__asm__ volatile("sti; hlt" : : : "memory");
}

void rumpuser_tls_set(uintptr_t fsbase)
{
	if (hw_features.fsgsbase)
		__asm__ volatile("wrfsbase %0" : : "r"(fsbase));
	else
		hw_wrmsr(MSR_FS_BASE, fsbase);
}
