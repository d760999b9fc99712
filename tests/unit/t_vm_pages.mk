include tests/unit/vm_world.inc
UNIT  := t_vm_pages
SRCS  := tests/unit/t_vm_pages.c $(VM_SRCS)
NEEDS := kern/base kern/mem
