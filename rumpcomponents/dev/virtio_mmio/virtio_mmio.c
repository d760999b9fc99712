/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory-mapped transport of virtio (virtio v1.2, 4.2), as micro-VM monitors
 * have it.  Devices are named by the firmware or, as for Linux, on the command line:
 *   virtio_mmio.device=<size>[KMG]@<address>:<interrupt>
 */
#include <rumpuser.h>
#include <kern/component.h>
#include <kern/config.h>
#include <kern/kmem.h>
#include <kern/softint.h>
#include <kern/systm.h>
#include <dev/virtio_transport.h>

/* Registers (4.2.2). */
#define MMIO_MAGIC		 0x000
#define MMIO_VERSION		 0x004
#define MMIO_DEVICE_ID		 0x008
#define MMIO_DEVICE_FEATURES	 0x010
#define MMIO_DEVICE_FEATURES_SEL 0x014
#define MMIO_DRIVER_FEATURES	 0x020
#define MMIO_DRIVER_FEATURES_SEL 0x024
#define MMIO_QUEUE_SEL		 0x030
#define MMIO_QUEUE_NUM_MAX	 0x034
#define MMIO_QUEUE_NUM		 0x038
#define MMIO_QUEUE_READY	 0x044
#define MMIO_QUEUE_NOTIFY	 0x050
#define MMIO_INTERRUPT_STATUS	 0x060
#define MMIO_INTERRUPT_ACK	 0x064
#define MMIO_STATUS		 0x070
#define MMIO_QUEUE_DESC		 0x080
#define MMIO_QUEUE_DRIVER	 0x090
#define MMIO_QUEUE_DEVICE	 0x0a0
#define MMIO_CONFIG		 0x100

#define MMIO_MAGIC_VALUE	 0x74726976 /* "virt" */
#define MMIO_MAX_QUEUES		 4	    /* with interrupts */

struct virtio_mmio {
	struct virtio_device vm_dev;
	volatile uint8_t *vm_regs;
	uint32_t vm_size;
	unsigned vm_gsi;
	unsigned vm_nintr;
	struct {
		void (*intr)(void *);
		void *arg;
	} vm_intr[MMIO_MAX_QUEUES];
};

static struct virtio_mmio *to_mmio(struct virtio_device *dev)
{
	return container_of(dev, struct virtio_mmio, vm_dev);
}

static uint32_t reg_read(struct virtio_mmio *vm, unsigned reg)
{
	return *(volatile uint32_t *)(vm->vm_regs + reg);
}

static void reg_write(struct virtio_mmio *vm, unsigned reg, uint32_t value)
{
	*(volatile uint32_t *)(vm->vm_regs + reg) = value;
}

static void reg_write64(struct virtio_mmio *vm, unsigned reg, uint64_t value)
{
	reg_write(vm, reg, (uint32_t)value);
	reg_write(vm, reg + 4, (uint32_t)(value >> 32));
}

static uint8_t get_status(struct virtio_device *dev)
{
	return (uint8_t)reg_read(to_mmio(dev), MMIO_STATUS);
}

static void set_status(struct virtio_device *dev, uint8_t status)
{
	reg_write(to_mmio(dev), MMIO_STATUS, status);
}

static uint64_t get_features(struct virtio_device *dev)
{
	struct virtio_mmio *vm = to_mmio(dev);
	uint64_t features;

	reg_write(vm, MMIO_DEVICE_FEATURES_SEL, 0);
	features = reg_read(vm, MMIO_DEVICE_FEATURES);
	reg_write(vm, MMIO_DEVICE_FEATURES_SEL, 1);
	return features | (uint64_t)reg_read(vm, MMIO_DEVICE_FEATURES) << 32;
}

static void set_features(struct virtio_device *dev, uint64_t features)
{
	struct virtio_mmio *vm = to_mmio(dev);

	reg_write(vm, MMIO_DRIVER_FEATURES_SEL, 0);
	reg_write(vm, MMIO_DRIVER_FEATURES, (uint32_t)features);
	reg_write(vm, MMIO_DRIVER_FEATURES_SEL, 1);
	reg_write(vm, MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
}

static uint32_t config_read(struct virtio_device *dev, unsigned off, unsigned width)
{
	struct virtio_mmio *vm = to_mmio(dev);

	if (MMIO_CONFIG + off + width > vm->vm_size)
		return 0;
	switch (width) {
	case 1:
		return vm->vm_regs[MMIO_CONFIG + off];
	case 2:
		return *(volatile uint16_t *)(vm->vm_regs + MMIO_CONFIG + off);
	default:
		return reg_read(vm, MMIO_CONFIG + off);
	}
}

static unsigned queue_max(struct virtio_device *dev, unsigned index)
{
	reg_write(to_mmio(dev), MMIO_QUEUE_SEL, index);
	return reg_read(to_mmio(dev), MMIO_QUEUE_NUM_MAX);
}

/* One interrupt for all queues: the soft interrupts find out which has work. */
static void mmio_interrupt(void *arg)
{
	struct virtio_mmio *vm = arg;

	reg_write(vm, MMIO_INTERRUPT_ACK, reg_read(vm, MMIO_INTERRUPT_STATUS));
	for (unsigned i = 0; i < vm->vm_nintr; i++)
		vm->vm_intr[i].intr(vm->vm_intr[i].arg);
}

static int intr_add(struct virtio_mmio *vm, void (*intr)(void *), void *arg)
{
	unsigned irq;
	int error;

	if (vm->vm_nintr == MMIO_MAX_QUEUES)
		return ENOSPC;
	vm->vm_intr[vm->vm_nintr].intr = intr;
	vm->vm_intr[vm->vm_nintr++].arg = arg;
	if (vm->vm_nintr > 1)
		return 0;
	/* Edge: acknowledging drops the line, so each new event is a new edge. */
	error = rumpuser_intr_gsi(vm->vm_gsi, false, false, 0, &irq);
	return error ? error : intr_establish(irq, mmio_interrupt, vm);
}

static int queue_enable(struct virtio_device *dev, unsigned index, unsigned size,
    const struct virtio_queue_addr *addr, void (*intr)(void *), void *arg, volatile void **notify)
{
	struct virtio_mmio *vm = to_mmio(dev);
	int error = intr ? intr_add(vm, intr, arg) : 0;

	if (error)
		return error;
	reg_write(vm, MMIO_QUEUE_SEL, index);
	reg_write(vm, MMIO_QUEUE_NUM, size);
	reg_write64(vm, MMIO_QUEUE_DESC, addr->desc);
	reg_write64(vm, MMIO_QUEUE_DRIVER, addr->avail);
	reg_write64(vm, MMIO_QUEUE_DEVICE, addr->used);
	reg_write(vm, MMIO_QUEUE_READY, 1);
	*notify = vm->vm_regs + MMIO_QUEUE_NOTIFY;
	return 0;
}

static const struct virtio_transport virtio_mmio_transport = {
    .vt_get_status = get_status,
    .vt_set_status = set_status,
    .vt_get_features = get_features,
    .vt_set_features = set_features,
    .vt_config_read = config_read,
    .vt_queue_max = queue_max,
    .vt_queue_enable = queue_enable,
    .vt_notify32 = true,
};

static int attach(uint64_t size, uint64_t addr, unsigned gsi)
{
	struct virtio_mmio *vm = kmem_zalloc(sizeof(*vm));
	void *regs;
	int error;

	if (!vm)
		return ENOMEM;
	error = rumpuser_mmio_map(addr, size, &regs);
	if (error)
		goto fail;
	vm->vm_regs = regs;
	vm->vm_size = (uint32_t)size;
	vm->vm_gsi = gsi;
	error = ENXIO;
	if (reg_read(vm, MMIO_MAGIC) != MMIO_MAGIC_VALUE)
		goto fail;
	vm->vm_dev.dv_id = reg_read(vm, MMIO_DEVICE_ID);
	if (vm->vm_dev.dv_id == 0) /* an empty slot */
		goto fail;
	vm->vm_dev.dv_transport = &virtio_mmio_transport;
	ksnprintf(vm->vm_dev.dv_where, sizeof(vm->vm_dev.dv_where), "mmio 0x%llx",
	    (unsigned long long)addr);
	if (reg_read(vm, MMIO_VERSION) != 2) {
		kprintf("kiln: virtio at %s: a legacy device; give QEMU "
			"-global virtio-mmio.force-legacy=false\n",
		    vm->vm_dev.dv_where);
		error = ENOTSUP;
		goto fail;
	}
	error = virtio_device_found(&vm->vm_dev);
	if (!error)
		return 0;
fail:
	kmem_free(vm, sizeof(*vm));
	return error;
}

/* Decimal or 0x number with an optional K, M, G; *p moves behind it. */
static uint64_t parse_number(const char **p)
{
	const char *s = *p;
	unsigned base = 10, digit;
	uint64_t n = 0;

	if (s[0] == '0' && s[1] == 'x') {
		base = 16;
		s += 2;
	}
	for (;; s++) {
		if (*s >= '0' && *s <= '9')
			digit = *s - '0';
		else if (base == 16 && (*s | 32) >= 'a' && (*s | 32) <= 'f')
			digit = (*s | 32) - 'a' + 10;
		else
			break;
		n = n * base + digit;
	}
	switch (*s) {
	case 'G':
		n <<= 10; /* FALLTHROUGH */
	case 'M':
		n <<= 10; /* FALLTHROUGH */
	case 'K':
		n <<= 10;
		s++;
	}
	*p = s;
	return n;
}

static void attach_checked(uint64_t size, uint64_t addr, uint64_t gsi)
{
	if (size < MMIO_CONFIG || size > 1024 * 1024 || addr == 0 || gsi == 0 || gsi > 255)
		kprintf("kiln: virtio_mmio.device wants <size>@<address>:<interrupt>\n");
	else
		(void)attach(size, addr, (unsigned)gsi);
}

static int virtio_mmio_init(void)
{
	static const char key[] = "virtio_mmio.device=";
	uint64_t size, addr, gsi;
	unsigned line;
	const char *p;

	for (unsigned n = 0; rumpuser_virtio_mmio(n, &addr, &size, &line); n++)
		attach_checked(size, addr, line);
	for (p = kern_cmdline(); (p = strchr(p, 'v')) != NULL;) {
		if (strncmp(p, key, sizeof(key) - 1) != 0) {
			p++;
			continue;
		}
		p += sizeof(key) - 1;
		size = parse_number(&p);
		addr = *p == '@' ? (p++, parse_number(&p)) : 0;
		gsi = *p == ':' ? (p++, parse_number(&p)) : 0;
		attach_checked(size, addr, gsi);
	}
	return 0;
}
RUMP_COMPONENT(virtio_mmio, RUMP_PHASE_DEV, virtio_mmio_init);
