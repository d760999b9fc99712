/* SPDX-License-Identifier: BSD-2-Clause */
/* The PCI transport of virtio (virtio v1.2, 4.1): modern devices, MSI-X. */
#include <kern/kmem.h>
#include <kern/systm.h>
#include <dev/pci.h>
#include <dev/virtio_transport.h>

#define PCI_VENDOR_REDHAT 0x1af4
#define PCI_CAP_VENDOR	  0x09

/* Structure types in vendor capabilities (4.1.4). */
#define CFG_COMMON    1
#define CFG_NOTIFY    2
#define CFG_ISR	      3
#define CFG_DEVICE    4

#define MSI_NO_VECTOR 0xffff

struct common_cfg {
	uint32_t device_feature_select, device_feature;
	uint32_t driver_feature_select, driver_feature;
	uint16_t config_msix_vector, num_queues;
	uint8_t device_status, config_generation;
	uint16_t queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
	uint32_t queue_desc_lo, queue_desc_hi;
	uint32_t queue_avail_lo, queue_avail_hi;
	uint32_t queue_used_lo, queue_used_hi;
};
_Static_assert(sizeof(struct common_cfg) == 56, "virtio v1.2, 4.1.4.3");

struct virtio_pci {
	struct virtio_device vp_dev;
	struct pci_device *vp_pci;
	volatile struct common_cfg *vp_common;
	volatile uint8_t *vp_device;
	volatile uint8_t *vp_isr;
	uint32_t vp_device_len;
	volatile uint8_t *vp_notify;
	uint32_t vp_notify_len, vp_notify_multiplier;
	bool vp_intx; /* no MSI-X: one shared line */
	struct {
		void (*intr)(void *);
		void *arg;
	} vp_line[4];
	unsigned vp_nline;
};

static struct virtio_pci *to_pci(struct virtio_device *dev)
{
	return container_of(dev, struct virtio_pci, vp_dev);
}

static uint8_t get_status(struct virtio_device *dev)
{
	return to_pci(dev)->vp_common->device_status;
}

static void set_status(struct virtio_device *dev, uint8_t status)
{
	volatile struct common_cfg *c = to_pci(dev)->vp_common;

	c->device_status = status;
	/* Reset is complete when it reads back as 0 (4.1.4.3.2). */
	for (unsigned spins = 1000000; status == 0 && c->device_status != 0 && spins > 0; spins--)
		__builtin_ia32_pause();
}

static uint64_t get_features(struct virtio_device *dev)
{
	volatile struct common_cfg *c = to_pci(dev)->vp_common;
	uint64_t features;

	c->device_feature_select = 0;
	features = c->device_feature;
	c->device_feature_select = 1;
	return features | (uint64_t)c->device_feature << 32;
}

static void set_features(struct virtio_device *dev, uint64_t features)
{
	volatile struct common_cfg *c = to_pci(dev)->vp_common;

	c->driver_feature_select = 0;
	c->driver_feature = (uint32_t)features;
	c->driver_feature_select = 1;
	c->driver_feature = (uint32_t)(features >> 32);
}

static uint32_t config_read(struct virtio_device *dev, unsigned off, unsigned width)
{
	struct virtio_pci *vp = to_pci(dev);

	if (!vp->vp_device || off + width > vp->vp_device_len)
		return 0;
	switch (width) {
	case 1:
		return vp->vp_device[off];
	case 2:
		return *(volatile uint16_t *)(vp->vp_device + off);
	default:
		return *(volatile uint32_t *)(vp->vp_device + off);
	}
}

static unsigned queue_max(struct virtio_device *dev, unsigned index)
{
	volatile struct common_cfg *c = to_pci(dev)->vp_common;

	if (index >= c->num_queues)
		return 0;
	c->queue_select = index;
	return c->queue_size;
}

/* A line interrupt: reading ISR acknowledges it (4.1.4.5). */
static void line_interrupt(void *arg)
{
	struct virtio_pci *vp = arg;

	if (!(*vp->vp_isr & 1))
		return;
	for (unsigned i = 0; i < vp->vp_nline; i++)
		vp->vp_line[i].intr(vp->vp_line[i].arg);
}

static int line_establish(struct virtio_pci *vp, void (*intr)(void *), void *arg)
{
	if (!vp->vp_isr || vp->vp_nline == NELEM(vp->vp_line))
		return ENOSPC;
	vp->vp_line[vp->vp_nline].intr = intr;
	vp->vp_line[vp->vp_nline++].arg = arg;
	if (vp->vp_nline > 1)
		return 0;
	vp->vp_intx = true;
	return pci_intx_establish(vp->vp_pci, line_interrupt, vp);
}

static int queue_enable(struct virtio_device *dev, unsigned index, unsigned size,
    const struct virtio_queue_addr *addr, void (*intr)(void *), void *arg, volatile void **notify)
{
	struct virtio_pci *vp = to_pci(dev);
	volatile struct common_cfg *c = vp->vp_common;
	uint64_t notify_off;
	int error;

	c->queue_select = index;
	c->queue_size = size;
	c->queue_desc_lo = (uint32_t)addr->desc;
	c->queue_desc_hi = (uint32_t)(addr->desc >> 32);
	c->queue_avail_lo = (uint32_t)addr->avail;
	c->queue_avail_hi = (uint32_t)(addr->avail >> 32);
	c->queue_used_lo = (uint32_t)addr->used;
	c->queue_used_hi = (uint32_t)(addr->used >> 32);
	if (intr) {
		error = vp->vp_intx ? ENOTSUP : pci_msix_establish(vp->vp_pci, index, 0, intr, arg);
		if (error)
			error = line_establish(vp, intr, arg);
		else
			c->queue_msix_vector = index;
		if (error)
			return error;
		if (!vp->vp_intx && c->queue_msix_vector == MSI_NO_VECTOR)
			return ENOSPC;
	}
	notify_off = (uint64_t)c->queue_notify_off * vp->vp_notify_multiplier;
	if (notify_off + 2 > vp->vp_notify_len)
		return ENXIO;
	*notify = vp->vp_notify + notify_off;
	c->queue_enable = 1;
	return 0;
}

static const struct virtio_transport virtio_pci_transport = {
    .vt_get_status = get_status,
    .vt_set_status = set_status,
    .vt_get_features = get_features,
    .vt_set_features = set_features,
    .vt_config_read = config_read,
    .vt_queue_max = queue_max,
    .vt_queue_enable = queue_enable,
};

/* Map one structure that a vendor capability points to. */
static int map_structure(struct virtio_pci *vp, unsigned cap)
{
	struct pci_device *pd = vp->vp_pci;
	unsigned type = pci_conf_read(pd, cap + 3, 1), bar = pci_conf_read(pd, cap + 4, 1);
	uint32_t off = pci_conf_read(pd, cap + 8, 4), len = pci_conf_read(pd, cap + 12, 4);
	void *va;
	int error;

	if (type < CFG_COMMON || type > CFG_DEVICE)
		return 0;
	error = pci_map_bar(pd, bar, off, len, &va);
	if (error)
		return error;
	switch (type) {
	case CFG_COMMON:
		if (len < sizeof(struct common_cfg))
			return ENXIO;
		vp->vp_common = va;
		break;
	case CFG_NOTIFY:
		vp->vp_notify = va;
		vp->vp_notify_len = len;
		vp->vp_notify_multiplier = pci_conf_read(pd, cap + 16, 4);
		break;
	case CFG_ISR:
		vp->vp_isr = va;
		break;
	case CFG_DEVICE:
		vp->vp_device = va;
		vp->vp_device_len = len;
		break;
	}
	return 0;
}

/* Transitional devices 0x1000..0x103f name their kind by the subsystem (4.1.2.1). */
static uint32_t device_kind(const struct pci_device *pd)
{
	return pd->pd_product >= 0x1040 ? pd->pd_product - 0x1040U : pci_conf_read(pd, 0x2e, 2);
}

static bool virtio_pci_match(const struct pci_device *pd)
{
	return pd->pd_vendor == PCI_VENDOR_REDHAT && pd->pd_product >= 0x1000 &&
	       pd->pd_product <= 0x107f;
}

static int virtio_pci_attach(struct pci_device *pd)
{
	struct virtio_pci *vp = kmem_zalloc(sizeof(*vp));
	int error = 0;

	if (!vp)
		return ENOMEM;
	vp->vp_pci = pd;
	vp->vp_dev.dv_transport = &virtio_pci_transport;
	vp->vp_dev.dv_id = device_kind(pd);
	ksnprintf(vp->vp_dev.dv_where, sizeof(vp->vp_dev.dv_where), "pci %u:%u.%u", pd->pd_bus,
	    pd->pd_dev, pd->pd_func);
	for (unsigned cap = pci_find_cap(pd, PCI_CAP_VENDOR, 0); cap && !error;
	     cap = pci_find_cap(pd, PCI_CAP_VENDOR, cap))
		error = map_structure(vp, cap);
	if (!error && (!vp->vp_common || !vp->vp_notify))
		error = ENOTSUP;
	if (!error) {
		pci_enable(pd);
		error = virtio_device_found(&vp->vp_dev);
	}
	if (error) /* mappings of device memory stay: they cost address space only */
		kmem_free(vp, sizeof(*vp));
	return error == ENXIO ? 0 : error;
}

static const struct pci_driver virtio_pci_driver = {
    .pdr_name = "virtio", .pdr_match = virtio_pci_match, .pdr_attach = virtio_pci_attach};
PCI_DRIVER(virtio_pci_driver);
