/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio devices between transports and drivers: matching, the status
 * handshake (virtio v1.2, 3.1.1) and feature bits.
 */
#include <kern/systm.h>
#include <dev/virtio_transport.h>
#include "virtio_impl.h"

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER	   2
#define STATUS_DRIVER_OK   4
#define STATUS_FEATURES_OK 8
#define STATUS_FAILED	   128

LINK_SET_DECLARE(virtio_drivers, const struct virtio_driver);

static void set_status_bit(struct virtio_device *dev, uint8_t bit)
{
	dev->dv_transport->vt_set_status(dev, dev->dv_transport->vt_get_status(dev) | bit);
}

int virtio_device_found(struct virtio_device *dev)
{
	const struct virtio_driver *const *drv;
	int error;

	LINK_SET_FOREACH (drv, virtio_drivers) {
		if ((*drv)->vd_id != dev->dv_id)
			continue;
		dev->dv_transport->vt_set_status(dev, 0);
		set_status_bit(dev, STATUS_ACKNOWLEDGE);
		set_status_bit(dev, STATUS_DRIVER);
		error = (*drv)->vd_attach(dev);
		if (error) {
			kprintf("kiln: %s at %s: attach failed, error %d\n", (*drv)->vd_name,
			    dev->dv_where, error);
			dev->dv_transport->vt_set_status(dev, 0);
			dev->dv_transport->vt_set_status(dev, STATUS_FAILED);
		}
		return error;
	}
	return ENXIO;
}

uint64_t virtio_offered(struct virtio_device *dev)
{
	return dev->dv_transport->vt_get_features(dev);
}

int virtio_negotiate(struct virtio_device *dev, uint64_t wanted, uint64_t *got)
{
	uint64_t offered = dev->dv_transport->vt_get_features(dev);
	uint64_t features = offered & (wanted | VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX);

	if (!(offered & VIRTIO_F_VERSION_1)) {
		kprintf("kiln: virtio at %s: a legacy device; give QEMU disable-legacy=on "
			"or virtio-mmio.force-legacy=false\n",
		    dev->dv_where);
		return ENOTSUP;
	}
	/* A device behind an IOMMU cannot work without it; one that offers it may insist. */
	features |= offered & VIRTIO_F_ACCESS_PLATFORM;
	dev->dv_transport->vt_set_features(dev, features);
	set_status_bit(dev, STATUS_FEATURES_OK);
	if (!(dev->dv_transport->vt_get_status(dev) & STATUS_FEATURES_OK))
		return ENOTSUP;
	dev->dv_features = features;
	*got = features;
	return 0;
}

uint32_t virtio_config_read(struct virtio_device *dev, unsigned off, unsigned width)
{
	return dev->dv_transport->vt_config_read(dev, off, width);
}

void virtio_ready(struct virtio_device *dev)
{
	set_status_bit(dev, STATUS_DRIVER_OK);
}
