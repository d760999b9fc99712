DESC     := virtio over memory-mapped registers (micro-VMs)
PREFIX   := virtio_mmio_
SRCS     := virtio_mmio.c
NEEDS    := kern/base kern/mem dev/virtio
FOR      := virtio_negotiate
RUMPUSER := yes
PLATFORMS := hw any
