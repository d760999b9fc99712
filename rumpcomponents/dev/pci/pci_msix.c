/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI interrupts: MSI-X (PCI 3.0, 6.8.2) and the legacy line. */
#include <rumpuser.h>
#include <kern/softint.h>
#include <kern/systm.h>
#include <dev/pci.h>

#define PCI_CAP_MSIX	     0x11
#define PCI_INTERRUPT_LINE   0x3c
#define PCI_COMMAND	     0x04
#define PCI_COMMAND_INTX_OFF 0x0400

#define MSIX_CONTROL	     2
#define MSIX_CONTROL_ENABLE  0x8000
#define MSIX_CONTROL_MASKALL 0x4000
#define MSIX_TABLE	     4

struct msix_entry {
	uint32_t addr_lo, addr_hi, data, control;
};
_Static_assert(sizeof(struct msix_entry) == 16, "PCI 3.0, 6.8.2");

static int msix_enable(struct pci_device *pd)
{
	unsigned cap = pci_find_cap(pd, PCI_CAP_MSIX, 0);
	uint32_t control, table;
	struct msix_entry *entries;
	int error;

	if (!cap)
		return ENOTSUP;
	control = pci_conf_read(pd, cap + MSIX_CONTROL, 2);
	table = pci_conf_read(pd, cap + MSIX_TABLE, 4);
	pd->pd_msix_count = (control & 0x7ff) + 1;
	error = pci_map_bar(pd, table & 7, table & ~7U,
	    pd->pd_msix_count * sizeof(struct msix_entry), (void **)&entries);
	if (error)
		return error;
	pd->pd_msix = entries;
	pd->pd_msix_cap = cap;
	/* Entries come up masked; the function mask can go. */
	pci_conf_write(
	    pd, cap + MSIX_CONTROL, 2, (control & ~MSIX_CONTROL_MASKALL) | MSIX_CONTROL_ENABLE);
	pci_conf_write(
	    pd, PCI_COMMAND, 2, pci_conf_read(pd, PCI_COMMAND, 2) | PCI_COMMAND_INTX_OFF);
	return 0;
}

int pci_msix_establish(
    struct pci_device *pd, unsigned entry, unsigned cpu, void (*handler)(void *), void *arg)
{
	volatile struct msix_entry *e;
	uint64_t addr;
	uint32_t data;
	unsigned irq;
	int error;

	if (!pd->pd_msix) {
		error = msix_enable(pd);
		if (error)
			return error;
	}
	if (entry >= pd->pd_msix_count)
		return ENOTSUP;
	error = rumpuser_intr_msi(cpu, &irq, &addr, &data);
	if (error)
		return error;
	error = intr_establish(irq, handler, arg);
	if (error)
		return error;
	e = (volatile struct msix_entry *)pd->pd_msix + entry;
	e->addr_lo = (uint32_t)addr;
	e->addr_hi = (uint32_t)(addr >> 32);
	e->data = data;
	e->control = 0;
	return 0;
}

int pci_intx_establish(struct pci_device *pd, void (*handler)(void *), void *arg)
{
	unsigned line = pci_conf_read(pd, PCI_INTERRUPT_LINE, 1), irq;
	int error;

	if (line == 0 || line == 0xff)
		return ENOTSUP;
	error = rumpuser_intr_gsi(line, true, false, 0, &irq);
	return error ? error : intr_establish(irq, handler, arg);
}
