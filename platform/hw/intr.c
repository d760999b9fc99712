/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * intr.c - interrupts by vector, from the local controllers.
 *
 * An irq number belongs to one source and arrives on one CPU, by vector HW_VECTOR_BASE + irq,
 * from where irq.c takes it to kern.  A level-triggered line would come back at once then, so it is
 * masked until kern says that it has been served; one that kern takes directly
 * must have been quieted at the device when the handler returns, and is
 * acknowledged after that.
 *
 * LOCK ORDER: ioapic_lock is innermost.
 */
#include "machine.h"

#include <errno.h>

#define IOAPIC_SELECT	  0
#define IOAPIC_WINDOW	  4 /* in words */
#define IOAPIC_VERSION	  1
#define IOAPIC_ROUTE(pin) (0x10 + 2 * (pin))
#define ROUTE_LOW	  0x2000
#define ROUTE_LEVEL	  0x8000
#define ROUTE_MASKED	  0x10000
#define MSI_BASE	  0xfee00000U

/* A routed line, by irq.  Written before the line opens. */
static struct line {
	struct hw_ioapic *ioapic; /* NULL: an MSI, or not in use */
	uint8_t pin;
	bool masked;  /* until replayed */
	uint32_t low; /* route, lower word; ROUTE_LEVEL is looked at */
} lines[RUMPUSER_IRQ_MAX];

static struct hw_lock ioapic_lock;

static void ioapic_write(struct hw_ioapic *io, unsigned reg, uint32_t v)
{
	volatile uint32_t *regs = io->regs;

	regs[IOAPIC_SELECT] = reg;
	regs[IOAPIC_WINDOW] = v;
}

static uint32_t ioapic_read(struct hw_ioapic *io, unsigned reg)
{
	volatile uint32_t *regs = io->regs;

	regs[IOAPIC_SELECT] = reg;
	return regs[IOAPIC_WINDOW];
}

static void line_mask(struct line *l, bool masked)
{
	uint64_t flags = hw_lock(&ioapic_lock);

	l->masked = masked;
	ioapic_write(l->ioapic, IOAPIC_ROUTE(l->pin), l->low | (masked ? ROUTE_MASKED : 0));
	hw_unlock(&ioapic_lock, flags);
}

bool hw_intr(unsigned irq, struct rumpuser_trapframe *tf)
{
	struct rumpuser_cpu *cpu = hw_curcpu();
	struct line *l = &lines[irq];
	bool level = l->low & ROUTE_LEVEL, preempt = false;

	hw_intr_wakes(cpu->platform);
	if (irq == HW_IRQ_SPURIOUS)
		return false;
	if (!level)
		hw_lapic_eoi();
	if (irq != RUMPUSER_IRQ_POWER || hw_power_intr())
		preempt = hw_irq_deliver(irq, tf);
	if (level) {
		if (cpu->ipending & 1ULL << irq)
			line_mask(l, true);
		hw_lapic_eoi();
	}
	return preempt;
}

void rumpuser_intr_replayed(unsigned irq)
{
	if (irq < RUMPUSER_IRQ_MAX && lines[irq].masked)
		line_mask(&lines[irq], false);
}

/* The controller that line gsi ends at, mapped; NULL if there is none. */
static struct hw_ioapic *ioapic_find(unsigned gsi)
{
	struct hw_ioapic *io = NULL;
	unsigned i;
	void *va;

	for (i = 0; i < hw_nioapics; i++)
		if (hw_ioapics[i].gsi_base <= gsi &&
		    (io == NULL || hw_ioapics[i].gsi_base > io->gsi_base))
			io = &hw_ioapics[i];
	if (io == NULL)
		return NULL;
	if (io->regs == NULL) {
		if (rumpuser_mmio_map(io->pa, 32, &va) != 0)
			return NULL;
		io->regs = va;
	}
	if (gsi - io->gsi_base > (ioapic_read(io, IOAPIC_VERSION) >> 16 & 0xff))
		return NULL;
	return io;
}

static int route(
    struct hw_ioapic *io, unsigned gsi, bool level, bool active_low, unsigned cpu, unsigned irq)
{
	struct line *l = &lines[irq];
	uint64_t flags = hw_lock(&ioapic_lock);

	l->ioapic = io;
	l->pin = gsi - io->gsi_base;
	l->low = (HW_VECTOR_BASE + irq) | (level ? ROUTE_LEVEL : 0) | (active_low ? ROUTE_LOW : 0);
	ioapic_write(io, IOAPIC_ROUTE(l->pin) + 1, hw_cpus[cpu]->apic_id << 24);
	ioapic_write(io, IOAPIC_ROUTE(l->pin), l->low);
	hw_unlock(&ioapic_lock, flags);
	return 0;
}

int hw_ioapic_fixed(unsigned gsi, bool level, bool active_low, unsigned irq)
{
	struct hw_ioapic *io = ioapic_find(gsi);

	if (io == NULL)
		return ENXIO;
	return route(io, gsi, level, active_low, 0, irq);
}

int rumpuser_intr_gsi(unsigned gsi, bool level, bool active_low, unsigned cpu, unsigned *irqp)
{
	struct hw_ioapic *io;
	int error;

	if (cpu >= hw_ncpu || hw_cpus[cpu] == NULL)
		return EINVAL;
	io = ioapic_find(gsi);
	if (io == NULL)
		return ENXIO;
	error = hw_irq_alloc(irqp);
	if (error != 0)
		return error;
	return route(io, gsi, level, active_low, cpu, *irqp);
}

int rumpuser_intr_msi(unsigned cpu, unsigned *irqp, uint64_t *addr, uint32_t *data)
{
	int error;

	if (cpu >= hw_ncpu || hw_cpus[cpu] == NULL)
		return EINVAL;
	error = hw_irq_alloc(irqp);
	if (error != 0)
		return error;
	*addr = MSI_BASE | hw_cpus[cpu]->apic_id << 12;
	*data = HW_VECTOR_BASE + *irqp;
	return 0;
}
