DESC     := virtio over PCI
PREFIX   := virtio_pci_
SRCS     := virtio_pci.c
NEEDS    := kern/base kern/mem dev/virtio dev/pci
FOR      := virtio_negotiate
PLATFORMS := hw any
