/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * misc.c - access to devices: their memory, PCI configuration space by
 * mechanism #1 (PCI 3.0, 3.2.2.3.2), and the calls that have nothing to do on
 * a machine.
 */
#include "hw.h"

#include <errno.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  0x80000000U

uintptr_t hw_window, hw_window_end;
static struct hw_lock pci_lock;

/* Does [pa, pa + len) hold memory that kern was given? */
static bool is_memory(uint64_t pa, size_t len)
{
	for (unsigned i = 0; i < hw_nmem; i++)
		if (pa < hw_mem[i].pa + hw_mem[i].size && pa + len > hw_mem[i].pa)
			return true;
	return false;
}

void *hw_window_map(uint64_t pa, size_t len, unsigned prot)
{
	uint64_t first = pa & ~(RUMPUSER_PAGE_SIZE - 1);
	size_t size = ((pa + len + RUMPUSER_PAGE_SIZE - 1) & ~(RUMPUSER_PAGE_SIZE - 1)) - first;
	uintptr_t at = __atomic_fetch_add(&hw_window, size, __ATOMIC_RELAXED);

	if (size > hw_window_end - at ||
	    rumpuser_pmap_enter(at, first, size >> RUMPUSER_PAGE_SHIFT, prot) != 0)
		return NULL;
	return (void *)(at + (pa - first));
}

int rumpuser_mmio_map(uint64_t pa, size_t len, void **va)
{
	if (len == 0 || is_memory(pa, len))
		return ENXIO;
	*va =
	    hw_window_map(pa, len, RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE | RUMPUSER_PROT_DEVICE);
	return *va != NULL ? 0 : ENOMEM;
}

void *hw_firmware_map(uint64_t pa, size_t len)
{
	uint64_t p;
	unsigned prot;
	void *va;

	/* Mostly it lies in RAM that the direct map covers. */
	if (rumpuser_pmap_extract((uintptr_t)hw_phys(pa), &p, &prot) &&
	    rumpuser_pmap_extract((uintptr_t)hw_phys(pa + len - 1), &p, &prot))
		return hw_phys(pa);
	return rumpuser_mmio_map(pa, len, &va) == 0 ? va : NULL;
}

bool rumpuser_pci_present(void)
{
	static int8_t present; /* 0: not known */
	uint64_t flags;

	if (present == 0) {
		flags = hw_lock(&pci_lock);
		hw_outl(CONFIG_ADDRESS, CONFIG_ENABLE);
		present = hw_inl(CONFIG_ADDRESS) == CONFIG_ENABLE ? 1 : -1;
		hw_unlock(&pci_lock, flags);
	}
	return present > 0;
}

static uint32_t config_address(unsigned bus, unsigned dev, unsigned func, unsigned reg)
{
	return CONFIG_ENABLE | (bus & 0xff) << 16 | (dev & 31) << 11 | (func & 7) << 8 |
	       (reg & 0xfc);
}

uint32_t rumpuser_pci_read(unsigned bus, unsigned dev, unsigned func, unsigned reg, unsigned width)
{
	uint64_t flags = hw_lock(&pci_lock);
	uint32_t v;

	hw_outl(CONFIG_ADDRESS, config_address(bus, dev, func, reg));
	if (width == 1)
		v = hw_inb(CONFIG_DATA + (reg & 3));
	else if (width == 2)
		v = hw_inw(CONFIG_DATA + (reg & 2));
	else
		v = hw_inl(CONFIG_DATA);
	hw_unlock(&pci_lock, flags);
	return v;
}

void rumpuser_pci_write(
    unsigned bus, unsigned dev, unsigned func, unsigned reg, unsigned width, uint32_t value)
{
	uint64_t flags = hw_lock(&pci_lock);

	hw_outl(CONFIG_ADDRESS, config_address(bus, dev, func, reg));
	if (width == 1)
		hw_outb(CONFIG_DATA + (reg & 3), value);
	else if (width == 2)
		hw_outw(CONFIG_DATA + (reg & 2), value);
	else
		hw_outl(CONFIG_DATA, value);
	hw_unlock(&pci_lock, flags);
}

uint64_t rumpuser_dma_addr(uint64_t pa)
{
	return pa;
}

/*
 * QEMU before 8.1 translates barriers and locked instructions of a lone CPU to nothing, although
 * its devices run in another thread ("tcg: Do not elide memory barriers for !CF_PARALLEL in system
 * mode").  Reading the time stamp counter takes a lock there, which orders.  Without it about one
 * notification in ten thousand is lost, and the device sleeps on.
 */
void rumpuser_dma_mb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (hw_features.tcg)
		(void)hw_rdtsc();
}
