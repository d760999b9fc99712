DESC     := PCI bus: finds devices, maps their registers, routes their interrupts
PREFIX   := pci_
SRCS     := pci.c pci_msix.c
NEEDS    := kern/base dev/pci
RUMPUSER := yes
PLATFORMS := hw xen any
