/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio for its transports (PCI, MMIO): how a device's registers are reached. */
#ifndef DEV_VIRTIO_TRANSPORT_H
#define DEV_VIRTIO_TRANSPORT_H

#include <dev/virtio.h>

struct softint;

/* Where the rings of one queue lie (bus addresses). */
struct virtio_queue_addr {
	uint64_t desc, avail, used;
};

struct virtio_transport {
	uint8_t (*vt_get_status)(struct virtio_device *dev);
	void (*vt_set_status)(struct virtio_device *dev, uint8_t status);
	uint64_t (*vt_get_features)(struct virtio_device *dev);
	void (*vt_set_features)(struct virtio_device *dev, uint64_t features);
	uint32_t (*vt_config_read)(struct virtio_device *dev, unsigned off, unsigned width);
	/* Largest size of queue `index`, 0 if it does not exist. */
	unsigned (*vt_queue_max)(struct virtio_device *dev, unsigned index);
	/*
	 * Enable queue `index`.  intr: a handler to be called at interrupt level, or NULL.
	 * *notify is the 32-bit or 16-bit register that takes the queue index.
	 */
	int (*vt_queue_enable)(struct virtio_device *dev, unsigned index, unsigned size,
	    const struct virtio_queue_addr *addr, void (*intr)(void *), void *arg,
	    volatile void **notify);
	bool vt_notify32; /* width of the notification register */
};

/* Embedded by the transport in its own structure; zeroed. */
struct virtio_device {
	const struct virtio_transport *dv_transport;
	uint32_t dv_id;	      /* VIRTIO_ID_* */
	char dv_where[24];    /* for messages: "pci 0:3.0", "mmio 0xfeb02e00" */
	uint64_t dv_features; /* negotiated */
};

/* A device was found: give it to its driver.  ENXIO if none wants it; else what attach said. */
int virtio_device_found(struct virtio_device *dev);

#endif
