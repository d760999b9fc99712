/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lapic.c - the local interrupt controller and its timer (Intel SDM vol. 3,
 * chapter 11).
 *
 * An access to the controller leaves the guest or, under emulation, the
 * translated code, so each is avoided that can be: the divider and the timer's vector are
 * written once.
 */
#include "machine.h"

#define MSR_APIC_BASE	  0x1b
#define MSR_TSC_DEADLINE  0x6e0
#define BASE_ENABLE	  0x800
#define BASE_X2APIC	  0x400

#define REG_ID		  0x20
#define REG_TPR		  0x80
#define REG_EOI		  0xb0
#define REG_SPURIOUS	  0xf0
#define REG_ICR		  0x300
#define REG_ICR_DEST	  0x310
#define REG_LVT_TIMER	  0x320
#define REG_LVT_LINT0	  0x350
#define REG_TIMER_INITIAL 0x380
#define REG_TIMER_CURRENT 0x390
#define REG_TIMER_DIVIDE  0x3e0

#define PIC_MASTER_MASK	  0x21

#define LVT_MASKED	  0x10000
#define LVT_TSC_DEADLINE  0x40000
#define DIVIDE_16	  3
#define DIVIDER		  16
#define ICR_INIT	  0x4500
#define ICR_STARTUP	  0x4600
#define ICR_PENDING	  0x1000
#define ICR_FIXED	  0x4000
#define ICR_ALL_OTHERS	  0xc0000

#define HYPERVISOR_BUS_HZ 1000000000ULL /* QEMU and KVM */

static volatile uint32_t *regs; /* NULL in x2APIC mode */
static uint64_t timer_hz;	/* counts per second after the divider */
static uint64_t calib_tsc;	/* when the counter was set going to learn timer_hz; 0: was not */

static uint32_t lapic_read(unsigned reg)
{
	return regs != NULL ? regs[reg / 4] : (uint32_t)hw_rdmsr(0x800 + reg / 16);
}

static void lapic_write(unsigned reg, uint32_t v)
{
	if (regs != NULL)
		regs[reg / 4] = v;
	else
		hw_wrmsr(0x800 + reg / 16, v);
}

void hw_lapic_eoi(void)
{
	lapic_write(REG_EOI, 0);
}

uint32_t hw_lapic_id(void)
{
	return regs != NULL ? lapic_read(REG_ID) >> 24 : lapic_read(REG_ID);
}

static void timer_init(bool boot)
{
	const uint32_t vector = HW_VECTOR_BASE + RUMPUSER_IRQ_TIMER;

	if (hw_features.tsc_deadline) {
		lapic_write(REG_LVT_TIMER, LVT_TSC_DEADLINE | vector);
		/* The mode must be set before the first deadline (SDM 11.5.4.1). */
		__asm__ volatile("mfence" : : : "memory");
		return;
	}
	lapic_write(REG_TIMER_DIVIDE, DIVIDE_16);
	if (hw_features.tcg || hw_features.kvm) {
		timer_hz = HYPERVISOR_BUS_HZ / DIVIDER;
	} else if (boot) {
		lapic_write(REG_LVT_TIMER, LVT_MASKED | vector);
		lapic_write(REG_TIMER_INITIAL, UINT32_MAX);
		calib_tsc = hw_rdtsc();
	}
	if (calib_tsc == 0)
		lapic_write(REG_LVT_TIMER, vector);
}

uint32_t hw_lapic_reference(void)
{
	if (hw_features.tsc_deadline || !(hw_features.tcg || hw_features.kvm))
		return 0;
	lapic_write(REG_TIMER_INITIAL, UINT32_MAX);
	return timer_hz;
}

uint32_t hw_lapic_count(void)
{
	return UINT32_MAX - lapic_read(REG_TIMER_CURRENT);
}

/* The counter has run since start-up: see how far it got. */
static void timer_calibrate(void)
{
	const uint64_t least = hw_ns_to_tsc(500000);
	uint64_t tsc, span;
	uint32_t count;

	do {
		tsc = hw_rdtsc();
		hw_pause();
	} while (tsc - calib_tsc < least);
	count = hw_lapic_count();
	span = (hw_rdtsc() - calib_tsc) * 1000000 / hw_ns_to_tsc(1000000); /* ns */
	timer_hz = hw_muldiv(count, 1000000000, span | 1) | 1;
	calib_tsc = 0;
	lapic_write(REG_LVT_TIMER, HW_VECTOR_BASE + RUMPUSER_IRQ_TIMER);
}

void hw_lapic_init(void)
{
	uint64_t base = hw_rdmsr(MSR_APIC_BASE);
	struct hw_cpu *hc = hw_self();
	bool boot = hc->index == 0;
	void *va;

	if (hw_features.x2apic) {
		hw_wrmsr(MSR_APIC_BASE, base | BASE_ENABLE | BASE_X2APIC);
	} else {
		if (!(base & BASE_ENABLE))
			hw_wrmsr(MSR_APIC_BASE, base | BASE_ENABLE);
		if (boot && rumpuser_mmio_map(base & 0xffffff000ULL, RUMPUSER_PAGE_SIZE, &va) == 0)
			regs = va;
	}
	if (boot)
		hc->apic_id = hw_lapic_id();
	lapic_write(REG_SPURIOUS, 0x100 | (HW_VECTOR_BASE + HW_IRQ_SPURIOUS));
	/*
	 * Silence the 8259s, which the BIOS has ticking: at their own mask, which
	 * takes back a request that is already pending, and at LINT0.
	 */
	if (boot) {
		hw_outb(PIC_MASTER_MASK, 0xff);
		lapic_write(REG_LVT_LINT0, LVT_MASKED);
	}
	timer_init(boot);
}

static void icr_write(uint32_t dest, uint32_t command)
{
	struct hw_cpu *hc = hw_self();

	if (regs == NULL) {
		hw_wrmsr(0x800 + REG_ICR / 16, (uint64_t)dest << 32 | command);
		return;
	}
	/* Only hardware takes time to send. */
	while (!hw_features.hypervisor && (lapic_read(REG_ICR) & ICR_PENDING))
		hw_pause();
	if (hc->icr_dest != dest) {
		lapic_write(REG_ICR_DEST, dest << 24);
		hc->icr_dest = dest;
	}
	lapic_write(REG_ICR, command);
}

void hw_machine_ipi(unsigned index, unsigned irq)
{
	uint64_t flags = hw_irq_save();

	/* What others have written must be seen by the time the interrupt is: wrmsr does not order.
	 */
	if (regs == NULL)
		__asm__ volatile("mfence; lfence" : : : "memory");
	icr_write(hw_cpus[index]->apic_id, ICR_FIXED | (HW_VECTOR_BASE + irq));
	hw_irq_restore(flags);
}

/* With the pause that real CPUs want. */
static void icr_wait(uint32_t dest, uint32_t command, uint64_t ns)
{
	icr_write(dest, command);
	if (hw_features.hypervisor)
		return;
	for (ns += rumpuser_clock_monotonic(); rumpuser_clock_monotonic() < ns;)
		hw_pause();
}

/*
 * A hypervisor loses no SIPI, and a second one does harm: in QEMU 7.2 an
 * interrupt that is sent to the new CPU at about the same time is never taken.
 */
void hw_lapic_start_ap(uint32_t apic_id, uint64_t trampoline)
{
	uint32_t startup = ICR_STARTUP | trampoline >> RUMPUSER_PAGE_SHIFT, before = hw_online;

	/* It is the boot CPU's counter that runs, and the other is to know its rate. */
	if (calib_tsc != 0)
		timer_calibrate();
	icr_wait(apic_id, ICR_INIT, 10000000);
	icr_wait(apic_id, startup, 200000);
	if (!hw_features.hypervisor && hw_online == before)
		icr_write(apic_id, startup);
}

void hw_machine_timer(uint64_t deadline, uint64_t now)
{
	uint64_t ns = deadline > now ? deadline - now : 0, count;

	if (hw_features.tsc_deadline) {
		hw_wrmsr(MSR_TSC_DEADLINE, hw_rdtsc() + hw_ns_to_tsc(ns));
		return;
	}
	if (calib_tsc != 0)
		timer_calibrate();
	/* Beyond what the counter holds: it fires early and is armed again. */
	if (ns > 30000000000ULL)
		ns = 30000000000ULL;
	count = hw_muldiv(ns, timer_hz, 1000000000) + 1;
	lapic_write(REG_TIMER_INITIAL, count > UINT32_MAX ? UINT32_MAX : count);
}
