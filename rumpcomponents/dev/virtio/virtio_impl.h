/* SPDX-License-Identifier: BSD-2-Clause */
/* Feature bits that concern virtio itself (virtio v1.2, chapter 6). */
#ifndef VIRTIO_IMPL_H
#define VIRTIO_IMPL_H

#define VIRTIO_F_EVENT_IDX	 (1ULL << 29)
#define VIRTIO_F_VERSION_1	 (1ULL << 32)
#define VIRTIO_F_ACCESS_PLATFORM (1ULL << 33)

#endif
