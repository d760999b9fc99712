/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio 1.x devices (OASIS virtio v1.2) for their drivers.  Legacy devices are
 * not supported.
 *
 * Phases, as the specification orders them (3.1.1): a transport finds a device and
 * calls virtio_device_found(); the driver's attach then calls
 *   virtio_negotiate()          once, first
 *   virtio_queue_setup()        per queue
 *   virtio_ready()              last; from now on the device may interrupt
 * and returns 0.  If attach fails, the device is reset and left alone.
 *
 * A virtqueue has no lock of its own: its driver serialises the calls on each queue.
 */
#ifndef DEV_VIRTIO_H
#define DEV_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <kern/linkset.h>

struct virtio_device;
struct virtqueue;

#define VIRTIO_ID_NET 1
#define VIRTIO_ID_BLK 2
#define VIRTIO_ID_RNG 4

struct virtio_driver {
	const char *vd_name;
	uint32_t vd_id;
	int (*vd_attach)(struct virtio_device *dev); /* 0 or errno; may sleep */
};
/* Registers a struct virtio_driver (static const). */
#define VIRTIO_DRIVER(driver) LINK_SET_ADD(virtio_drivers, driver)

/* What the device offers: some features mean nothing, or harm, without others. */
uint64_t virtio_offered(struct virtio_device *dev);
/*
 * Accept what the device offers out of `wanted` (VIRTIO_F_VERSION_1 and, where
 * offered, ring event indices are added).  *got is the result.
 * ENOTSUP: a legacy device, or it refuses the set.
 */
int virtio_negotiate(struct virtio_device *dev, uint64_t wanted, uint64_t *got);

/* Device-specific configuration, little-endian on the wire as on the CPU. width 1, 2, 4. */
uint32_t virtio_config_read(struct virtio_device *dev, unsigned off, unsigned width);

/*
 * Queue `index` with at most max_size descriptors (a power of two).  func(arg) is called in
 * soft-interrupt context after the device has used buffers and interrupts were
 * enabled with virtqueue_enable(), not before; NULL: this queue never interrupts.
 * ENOENT no such queue, ENOMEM, ENOSPC no interrupt.
 */
int virtio_queue_setup(struct virtio_device *dev, unsigned index, unsigned max_size,
    void (*func)(void *), void *arg, struct virtqueue **vqp);
void virtio_ready(struct virtio_device *dev);

/* Descriptors in all / free now. */
unsigned virtqueue_size(const struct virtqueue *vq);
unsigned virtqueue_free(const struct virtqueue *vq);

struct virtio_sg {
	uint64_t pa;
	uint32_t len;
	bool device_writes;
};
/* Offer one buffer of n pieces (readable ones first).  cookie comes back, not NULL.  ENOSPC. */
int virtqueue_add(struct virtqueue *vq, const struct virtio_sg *sg, unsigned n, void *cookie);
/* Tell the device about all that was added, if it wants to know. */
void virtqueue_kick(struct virtqueue *vq);
/* A used buffer's cookie and how many bytes the device wrote; NULL if none. */
void *virtqueue_get(struct virtqueue *vq, uint32_t *len);
/* The device made no sense: nothing goes in or comes out any more. */
bool virtqueue_broken(const struct virtqueue *vq);
/*
 * Ask for an interrupt when the device uses the next buffer (or the n-th from now).
 * Returns true if some are used already: then go on with virtqueue_get().
 */
bool virtqueue_enable(struct virtqueue *vq, unsigned n);
/* Have the queue's func called in its soft interrupt, as if the device had asked. */
void virtqueue_poll(struct virtqueue *vq);
/* No interrupt any more (one may still come); as after virtio_queue_setup(). */
void virtqueue_disable(struct virtqueue *vq);

#endif
