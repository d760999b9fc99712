/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio entropy device (virtio v1.2, 5.4): asked once at boot, and again every
 * ten minutes, so that a guest that was cloned or restored diverges.
 */
#include <kern/callout.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/random.h>
#include <kern/systm.h>
#include <dev/virtio.h>

#define RNG_BYTES    64
#define RNG_INTERVAL (600 * NSEC_PER_SEC)

struct virtio_rng {
	struct virtqueue *vr_queue;
	callout_t vr_callout;
	uint8_t *vr_buffer;
};

static void rng_ask(void *arg)
{
	struct virtio_rng *vr = arg;
	struct virtio_sg sg = {
	    .pa = page_pa(vr->vr_buffer), .len = RNG_BYTES, .device_writes = true};

	if (virtqueue_add(vr->vr_queue, &sg, 1, vr) == 0)
		virtqueue_kick(vr->vr_queue);
}

static void rng_softint(void *arg)
{
	struct virtio_rng *vr = arg;
	uint32_t len;

	do {
		while (virtqueue_get(vr->vr_queue, &len)) {
			len = KMIN(len, RNG_BYTES);
			random_add(vr->vr_buffer, len, len * 8);
			memset(vr->vr_buffer, 0, RNG_BYTES);
			if (len > 0)
				callout_schedule(&vr->vr_callout, RNG_INTERVAL);
		}
	} while (virtqueue_enable(vr->vr_queue, 1));
}

static int virtio_rng_attach(struct virtio_device *dev)
{
	struct virtio_rng *vr = kmem_zalloc(sizeof(*vr));
	uint64_t features;
	int error = ENOMEM;

	if (!vr)
		return ENOMEM;
	callout_init(&vr->vr_callout, rng_ask, vr);
	vr->vr_buffer = kmem_zalloc(RNG_BYTES);
	if (!vr->vr_buffer)
		goto fail;
	error = virtio_negotiate(dev, 0, &features);
	if (!error)
		error = virtio_queue_setup(dev, 0, 2, rng_softint, vr, &vr->vr_queue);
	if (error)
		goto fail;
	virtio_ready(dev);
	(void)virtqueue_enable(vr->vr_queue, 1);
	rng_ask(vr);
	return 0;
fail:
	if (vr->vr_buffer)
		kmem_free(vr->vr_buffer, RNG_BYTES);
	kmem_free(vr, sizeof(*vr));
	return error;
}

static const struct virtio_driver virtio_rng_driver = {
    .vd_name = "virtio-rng", .vd_id = VIRTIO_ID_RNG, .vd_attach = virtio_rng_attach};
VIRTIO_DRIVER(virtio_rng_driver);
