DESC     := virtio 1.x: feature negotiation and split virtqueues
PREFIX   := virtio_ virtqueue_
SRCS     := virtio.c virtqueue.c
NEEDS    := kern/base kern/mem dev/virtio
RUMPUSER := yes
