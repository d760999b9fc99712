/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process does not have: interrupt lines, PCI, device memory. */
#include <linux/errno.h>

#include "hosted.h"

int rumpuser_intr_gsi(unsigned gsi, bool level, bool active_low, unsigned cpu, unsigned *irqp)
{
	return EOPNOTSUPP;
}

int rumpuser_intr_msi(unsigned cpu, unsigned *irqp, uint64_t *addr, uint32_t *data)
{
	return EOPNOTSUPP;
}

void rumpuser_intr_replayed(unsigned irq)
{
}

bool rumpuser_pci_present(void)
{
	return false;
}

uint32_t rumpuser_pci_read(unsigned bus, unsigned dev, unsigned func, unsigned reg, unsigned width)
{
	return UINT32_MAX;
}

void rumpuser_pci_write(
    unsigned bus, unsigned dev, unsigned func, unsigned reg, unsigned width, uint32_t value)
{
}

int rumpuser_mmio_map(uint64_t pa, size_t len, void **va)
{
	return ENOMEM;
}

uint64_t rumpuser_dma_addr(uint64_t pa)
{
	return pa;
}

void rumpuser_dma_mb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool rumpuser_virtio_mmio(unsigned n, uint64_t *pa, uint64_t *size, unsigned *gsi)
{
	return false;
}
