/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI devices for their drivers (PCI Local Bus Specification 3.0). */
#ifndef DEV_PCI_H
#define DEV_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <kern/linkset.h>

struct pci_device {
	uint8_t pd_bus, pd_dev, pd_func;
	uint16_t pd_vendor, pd_product;
	uint32_t pd_class; /* class, subclass, interface, revision */
	void *pd_msix;	   /* mapped MSI-X table; pci's own */
	uint16_t pd_msix_count;
	uint8_t pd_msix_cap;
};

struct pci_driver {
	const char *pdr_name;
	/* Cheap: looks at vendor, product and class only. */
	bool (*pdr_match)(const struct pci_device *pd);
	/* 0 or errno.  pd is valid for ever.  May sleep. */
	int (*pdr_attach)(struct pci_device *pd);
};
/* Registers a struct pci_driver (static const). */
#define PCI_DRIVER(driver) LINK_SET_ADD(pci_drivers, driver)

/*
 * Configuration space: width 1, 2 or 4 bytes at the aligned offset reg.  All ones where there is
 * nothing.  Any context.
 */
uint32_t pci_conf_read(const struct pci_device *pd, unsigned reg, unsigned width);
void pci_conf_write(const struct pci_device *pd, unsigned reg, unsigned width, uint32_t value);

/* Offset of the next capability `id` after offset `prev` (0: first); 0 if none. */
unsigned pci_find_cap(const struct pci_device *pd, unsigned id, unsigned prev);

/* Map len bytes at offset off of memory BAR `bar`.  ENXIO not a memory BAR, or not a device,
 * ENOMEM. */
int pci_map_bar(const struct pci_device *pd, unsigned bar, uint64_t off, size_t len, void **va);

/* Memory decoding and bus mastering on. */
void pci_enable(const struct pci_device *pd);

/*
 * Have MSI-X entry `entry` call handler(arg) on CPU `cpu` at interrupt level.
 * ENOTSUP the device has no MSI-X or no such entry, ENOSPC no vector left.
 */
int pci_msix_establish(
    struct pci_device *pd, unsigned entry, unsigned cpu, void (*handler)(void *), void *arg);

/* The legacy interrupt line, level-triggered and shared by nobody else. */
int pci_intx_establish(struct pci_device *pd, void (*handler)(void *), void *arg);

#endif
