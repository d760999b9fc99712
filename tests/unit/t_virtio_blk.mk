UNIT  := t_virtio_blk
SRCS  := tests/unit/t_virtio_blk.c rumpcomponents/dev/virtio_blk/virtio_blk.c
NEEDS := kern/base kern/mem dev/virtio
