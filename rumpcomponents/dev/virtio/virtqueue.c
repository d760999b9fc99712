/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues (virtio v1.2, 2.7).
 *
 *   descriptor table --- what the buffers are; free ones chained through vq_next
 *   available ring  ---> driver to device: heads of descriptor chains
 *   used ring       <--- device to driver: heads, and bytes written
 *
 * With VIRTIO_F_EVENT_IDX each side says at which index it wants to be told
 * (2.7.7, 2.7.10): interrupts are off as long as the driver does not move
 * used_event, and a kick is sent only when the device waits for one.
 *
 * The device is not trusted: indices from the used ring are checked, a bad one
 * stops the queue with a message instead of corrupting memory.
 */
#include <kern/kmem.h>
#include <kern/softint.h>
#include <kern/systm.h>
#include <rumpuser.h>
#include <dev/virtio_transport.h>
#include "virtio_impl.h"

struct vring_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};
#define VRING_DESC_F_NEXT  1
#define VRING_DESC_F_WRITE 2

struct vring_avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[]; /* size entries, then used_event */
};
#define VRING_AVAIL_F_NO_INTERRUPT 1

struct vring_used_elem {
	uint32_t id;
	uint32_t len;
};
struct vring_used {
	uint16_t flags;
	uint16_t idx;
	struct vring_used_elem ring[]; /* size entries, then avail_event */
};
#define VRING_USED_F_NO_NOTIFY 1

_Static_assert(sizeof(struct vring_desc) == 16, "virtio v1.2, 2.7.5");
_Static_assert(sizeof(struct vring_used_elem) == 8, "virtio v1.2, 2.7.8");

struct virtqueue {
	struct virtio_device *vq_dev;
	struct vring_desc *vq_desc;
	volatile struct vring_avail *vq_avail;
	volatile struct vring_used *vq_used;
	volatile void *vq_notify;
	uint16_t vq_index;
	uint16_t vq_size; /* a power of two */
	uint16_t vq_nfree;
	uint16_t vq_freehead;
	uint16_t vq_avail_idx; /* next free running index of the available ring */
	uint16_t vq_kicked;    /* avail index when the device was last told */
	uint16_t vq_used_idx;  /* how far the used ring was read */
	bool vq_event_idx;
	bool vq_broken;
	struct softint *vq_softint;
	struct {
		void *cookie;
		uint16_t count; /* descriptors in the chain */
	} vq_chain[];		/* by head */
};

static volatile uint16_t *used_event(struct virtqueue *vq)
{
	return &vq->vq_avail->ring[vq->vq_size];
}

static uint16_t avail_event(struct virtqueue *vq)
{
	return *(volatile uint16_t *)&vq->vq_used->ring[vq->vq_size];
}

/* Interrupt level: the rest happens in the soft interrupt. */
static void queue_interrupt(void *arg)
{
	struct virtqueue *vq = arg;

	/* A line that queues share comes to all of them. */
	if (!(vq->vq_avail->flags & VRING_AVAIL_F_NO_INTERRUPT))
		softint_schedule(vq->vq_softint);
}

static unsigned ring_order(size_t bytes)
{
	unsigned order = 0;
	while ((PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

/* Descriptor table, available and used ring in one piece of contiguous memory. */
static int ring_alloc(struct virtqueue *vq, struct virtio_queue_addr *addr)
{
	size_t size = vq->vq_size;
	size_t avail_off = size * sizeof(struct vring_desc);
	size_t used_off = ROUNDUP(avail_off + sizeof(struct vring_avail) + 2 * size + 2, 4);
	size_t bytes =
	    used_off + sizeof(struct vring_used) + size * sizeof(struct vring_used_elem) + 2;
	uint64_t pa = page_zalloc(ring_order(bytes));
	char *va;

	if (!pa)
		return ENOMEM;
	va = page_va(pa);
	vq->vq_desc = (struct vring_desc *)va;
	vq->vq_avail = (struct vring_avail *)(va + avail_off);
	vq->vq_used = (struct vring_used *)(va + used_off);
	addr->desc = rumpuser_dma_addr(pa);
	addr->avail = addr->desc + avail_off;
	addr->used = addr->desc + used_off;
	for (unsigned i = 0; i < size; i++)
		vq->vq_desc[i].next = i + 1;
	vq->vq_nfree = vq->vq_size;
	return 0;
}

int virtio_queue_setup(struct virtio_device *dev, unsigned index, unsigned max_size,
    void (*func)(void *), void *arg, struct virtqueue **vqp)
{
	const struct virtio_transport *vt = dev->dv_transport;
	unsigned size = KMIN(vt->vt_queue_max(dev, index), max_size);
	struct virtio_queue_addr addr;
	struct virtqueue *vq;
	int error;

	if (size == 0)
		return ENOENT;
	while (size & (size - 1))
		size &= size - 1;
	vq = kmem_zalloc(sizeof(*vq) + size * sizeof(vq->vq_chain[0]));
	if (!vq)
		return ENOMEM;
	vq->vq_dev = dev;
	vq->vq_index = index;
	vq->vq_size = size;
	vq->vq_event_idx = dev->dv_features & VIRTIO_F_EVENT_IDX;
	if (func) {
		vq->vq_softint = softint_establish(func, arg);
		if (!vq->vq_softint) {
			error = ENOMEM;
			goto fail_free;
		}
	}
	error = ring_alloc(vq, &addr);
	if (error)
		goto fail_softint;
	virtqueue_disable(vq);
	error = vt->vt_queue_enable(
	    dev, index, size, &addr, func ? queue_interrupt : NULL, vq, &vq->vq_notify);
	if (error)
		goto fail_ring;
	*vqp = vq;
	return 0;

fail_ring:
	page_free(page_pa(vq->vq_desc),
	    ring_order((char *)&vq->vq_used->ring[size] + 2 - (char *)vq->vq_desc));
fail_softint:
	if (vq->vq_softint)
		softint_disestablish(vq->vq_softint);
fail_free:
	kmem_free(vq, sizeof(*vq) + size * sizeof(vq->vq_chain[0]));
	return error;
}

unsigned virtqueue_size(const struct virtqueue *vq)
{
	return vq->vq_size;
}

unsigned virtqueue_free(const struct virtqueue *vq)
{
	return vq->vq_nfree;
}

int virtqueue_add(struct virtqueue *vq, const struct virtio_sg *sg, unsigned n, void *cookie)
{
	uint16_t head = vq->vq_freehead, i = head;
	struct vring_desc *d = NULL;

	if (n == 0 || n > vq->vq_nfree || vq->vq_broken)
		return ENOSPC;
	for (unsigned k = 0; k < n; k++) {
		d = &vq->vq_desc[i];
		d->addr = rumpuser_dma_addr(sg[k].pa);
		d->len = sg[k].len;
		d->flags = VRING_DESC_F_NEXT | (sg[k].device_writes ? VRING_DESC_F_WRITE : 0);
		i = d->next;
	}
	d->flags &= ~VRING_DESC_F_NEXT;
	vq->vq_freehead = i;
	vq->vq_nfree -= n;
	vq->vq_chain[head].cookie = cookie;
	vq->vq_chain[head].count = n;
	vq->vq_avail->ring[vq->vq_avail_idx & (vq->vq_size - 1)] = head;
	/* The ring entry must be visible before the index that covers it (2.7.13.3). */
	__atomic_store_n(&vq->vq_avail->idx, ++vq->vq_avail_idx, __ATOMIC_RELEASE);
	return 0;
}

void virtqueue_kick(struct virtqueue *vq)
{
	uint16_t old = vq->vq_kicked, new = vq->vq_avail_idx;
	bool wanted;

	if (old == new)
		return;
	/* Our index before the device's wish: else both sides wait (2.7.13.4.1). */
	rumpuser_dma_mb();
	if (vq->vq_event_idx)
		wanted = (uint16_t)(new - avail_event(vq) - 1) < (uint16_t)(new - old);
	else
		wanted = !(vq->vq_used->flags & VRING_USED_F_NO_NOTIFY);
	vq->vq_kicked = new;
	if (!wanted)
		return;
	if (vq->vq_dev->dv_transport->vt_notify32)
		*(volatile uint32_t *)vq->vq_notify = vq->vq_index;
	else
		*(volatile uint16_t *)vq->vq_notify = vq->vq_index;
}

static void *queue_broken(struct virtqueue *vq, uint32_t id)
{
	vq->vq_broken = true;
	kprintf("kiln: virtio at %s: queue %u: device used buffer %u, which it was not given; "
		"queue stopped\n",
	    vq->vq_dev->dv_where, vq->vq_index, id);
	return NULL;
}

bool virtqueue_broken(const struct virtqueue *vq)
{
	return vq->vq_broken;
}

void *virtqueue_get(struct virtqueue *vq, uint32_t *len)
{
	volatile struct vring_used_elem *e;
	uint16_t tail;
	uint32_t head;
	void *cookie;

	if (vq->vq_used_idx == __atomic_load_n(&vq->vq_used->idx, __ATOMIC_ACQUIRE) ||
	    vq->vq_broken)
		return NULL;
	e = &vq->vq_used->ring[vq->vq_used_idx & (vq->vq_size - 1)];
	head = e->id;
	*len = e->len;
	if (head >= vq->vq_size || !vq->vq_chain[head].cookie)
		return queue_broken(vq, head);
	vq->vq_used_idx++;
	cookie = vq->vq_chain[head].cookie;
	vq->vq_chain[head].cookie = NULL;
	tail = head;
	for (unsigned k = 1; k < vq->vq_chain[head].count; k++)
		tail = vq->vq_desc[tail].next;
	vq->vq_desc[tail].next = vq->vq_freehead;
	vq->vq_freehead = head;
	vq->vq_nfree += vq->vq_chain[head].count;
	return cookie;
}

void virtqueue_poll(struct virtqueue *vq)
{
	softint_schedule(vq->vq_softint);
}

void virtqueue_disable(struct virtqueue *vq)
{
	vq->vq_avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	*used_event(vq) = vq->vq_used_idx + 0x8000;
}

bool virtqueue_enable(struct virtqueue *vq, unsigned n)
{
	if (vq->vq_event_idx)
		*used_event(vq) = vq->vq_used_idx + n - 1;
	vq->vq_avail->flags = 0;
	/* Our wish before we look again: else an interrupt is lost. */
	rumpuser_dma_mb();
	return (uint16_t)(vq->vq_used->idx - vq->vq_used_idx) >= n && !vq->vq_broken;
}
