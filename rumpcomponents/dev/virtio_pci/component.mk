DESC     := virtio over PCI
PREFIX   := virtio_pci_
SRCS     := virtio_pci.c
NEEDS    := kern/base kern/mem dev/virtio dev/pci
FOR      := virtio_device_found
PLATFORMS := hw any
