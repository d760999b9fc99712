DESC     := Memory: pages, kernel objects, the address-space map and its faults
PREFIX   := page_ kmem_ pool_ vm_
SRCS     := page.c page_pin.c kmem.c pool.c vm_map.c vm_fault.c vm_move.c vm_show.c vm_image.c vm_wire.c vm_kstack.c
NEEDS    := kern/base
RUMPUSER := yes
SMALL    := kmem.c vm_wire.c vm_map.c vm_move.c vm_show.c vm_image.c vm_kstack.c vm_fault.c page.c pool.c
