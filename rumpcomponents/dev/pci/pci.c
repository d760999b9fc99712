/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI bus enumeration and configuration space.
 *
 * The firmware has numbered the buses and placed the BARs; we only look.
 * Devices are matched with the drivers linked into the image; a device that
 * nobody wants costs one configuration read and is forgotten.
 *
 * Configuration registers are named as in the PCI Local Bus Specification 3.0,
 * chapter 6.
 */
#include <rumpuser.h>
#include <kern/component.h>
#include <kern/kmem.h>
#include <kern/systm.h>
#include <dev/pci.h>

#define PCI_VENDOR_ID	   0x00
#define PCI_COMMAND	   0x04
#define PCI_STATUS	   0x06
#define PCI_REVISION	   0x08
#define PCI_HEADER_TYPE	   0x0e
#define PCI_BAR0	   0x10
#define PCI_SECONDARY_BUS  0x19
#define PCI_CAPABILITIES   0x34

#define PCI_COMMAND_MEMORY 0x0002
#define PCI_COMMAND_MASTER 0x0004
#define PCI_STATUS_CAPS	   0x0010
#define PCI_HEADER_MULTI   0x80
#define PCI_HEADER_BRIDGE  0x01
#define PCI_BAR_IO	   0x01
#define PCI_BAR_64	   0x04

#define PCI_MAX_DEPTH	   8 /* nested bridges; a loop in broken firmware ends here */

LINK_SET_DECLARE(pci_drivers, const struct pci_driver);

uint32_t pci_conf_read(const struct pci_device *pd, unsigned reg, unsigned width)
{
	return rumpuser_pci_read(pd->pd_bus, pd->pd_dev, pd->pd_func, reg, width);
}

void pci_conf_write(const struct pci_device *pd, unsigned reg, unsigned width, uint32_t value)
{
	rumpuser_pci_write(pd->pd_bus, pd->pd_dev, pd->pd_func, reg, width, value);
}

unsigned pci_find_cap(const struct pci_device *pd, unsigned id, unsigned prev)
{
	unsigned off, steps = 48; /* as many as fit: a looping list ends */

	if (!(pci_conf_read(pd, PCI_STATUS, 2) & PCI_STATUS_CAPS))
		return 0;
	off = pci_conf_read(pd, prev ? prev + 1 : PCI_CAPABILITIES, 1) & 0xfc;
	while (off >= 0x40 && steps-- > 0) {
		uint32_t head = pci_conf_read(pd, off, 2);
		if ((head & 0xff) == id)
			return off;
		off = (head >> 8) & 0xfc;
	}
	return 0;
}

/*
 * The extent of a BAR is not asked for: to learn it, decoding must be switched off and on
 * again (6.2.5.1), and each time a hypervisor lays out its guest's address space anew,
 * which takes it longer than all else here.  rumpuser_mmio_map() refuses memory, so a
 * device that lies about what is where can do no more harm than it could with its registers.
 */
int pci_map_bar(const struct pci_device *pd, unsigned bar, uint64_t off, size_t len, void **va)
{
	unsigned reg = PCI_BAR0 + 4 * bar;
	uint64_t base;
	uint32_t lo;

	if (bar > 5)
		return ENXIO;
	lo = pci_conf_read(pd, reg, 4);
	if ((lo & PCI_BAR_IO) || (bar == 5 && (lo & PCI_BAR_64)))
		return ENXIO;
	base = lo & ~0xfU;
	if (lo & PCI_BAR_64)
		base |= (uint64_t)pci_conf_read(pd, reg + 4, 4) << 32;
	if (base == 0 || off > UINT32_MAX || len > UINT32_MAX || base + off + len < base)
		return ENXIO;
	return rumpuser_mmio_map(base + off, len, va);
}

void pci_enable(const struct pci_device *pd)
{
	uint32_t command = pci_conf_read(pd, PCI_COMMAND, 2);
	uint32_t want = command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	if (want != command)
		pci_conf_write(pd, PCI_COMMAND, 2, want);
}

static void attach_device(const struct pci_device *found)
{
	const struct pci_driver *const *drv;
	struct pci_device *pd;
	int error;

	LINK_SET_FOREACH (drv, pci_drivers) {
		if (!(*drv)->pdr_match(found))
			continue;
		pd = kmem_alloc(sizeof(*pd));
		if (!pd)
			return;
		*pd = *found;
		error = (*drv)->pdr_attach(pd);
		if (error)
			kprintf("kiln: %s at pci %u:%u.%u: attach failed, error %d\n",
			    (*drv)->pdr_name, pd->pd_bus, pd->pd_dev, pd->pd_func, error);
		return;
	}
}

static void scan_bus(unsigned bus, unsigned depth);

static void scan_function(struct pci_device *pd, unsigned header, unsigned depth)
{
	if ((header & 0x7f) == PCI_HEADER_BRIDGE) {
		unsigned secondary = pci_conf_read(pd, PCI_SECONDARY_BUS, 1);
		if (secondary > pd->pd_bus && depth < PCI_MAX_DEPTH)
			scan_bus(secondary, depth + 1);
		return;
	}
	pd->pd_class = pci_conf_read(pd, PCI_REVISION, 4);
	attach_device(pd);
}

static void scan_bus(unsigned bus, unsigned depth)
{
	for (unsigned dev = 0; dev < 32; dev++) {
		unsigned nfunc = 1;
		for (unsigned func = 0; func < nfunc; func++) {
			struct pci_device pd = {.pd_bus = bus, .pd_dev = dev, .pd_func = func};
			uint32_t id = pci_conf_read(&pd, PCI_VENDOR_ID, 4);
			unsigned header;

			if ((id & 0xffff) == 0xffff)
				continue;
			pd.pd_vendor = id & 0xffff;
			pd.pd_product = id >> 16;
			header = pci_conf_read(&pd, PCI_HEADER_TYPE, 1);
			if (func == 0 && header & PCI_HEADER_MULTI)
				nfunc = 8;
			scan_function(&pd, header, depth);
		}
	}
}

static int pci_init(void)
{
	if (rumpuser_pci_present())
		scan_bus(0, 0);
	return 0;
}
RUMP_COMPONENT(pci, RUMP_PHASE_DEV, pci_init);
