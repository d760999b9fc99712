DESC     := virtio network card
PREFIX   := virtio_net_
SRCS     := virtio_net.c virtio_net_tx.c
NEEDS    := kern/base kern/mem dev/virtio net/core
FOR      := ether_ifattach
RUMPUSER := yes
PLATFORMS := hw any
