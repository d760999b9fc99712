UNIT  := t_virtio_net
SRCS  := tests/unit/t_virtio_net.c rumpcomponents/dev/virtio_net/virtio_net.c rumpcomponents/dev/virtio_net/virtio_net_tx.c \
	rumpcomponents/net/core/mbuf.c
NEEDS := kern/base net/core dev/virtio
