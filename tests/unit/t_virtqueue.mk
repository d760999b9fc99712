UNIT  := t_virtqueue
SRCS  := tests/unit/t_virtqueue.c rumpcomponents/dev/virtio/virtqueue.c rumpcomponents/dev/virtio/virtio.c
NEEDS := kern/base kern/mem dev/virtio
