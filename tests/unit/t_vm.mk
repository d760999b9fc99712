include tests/unit/vm_world.inc
UNIT  := t_vm
SRCS  := tests/unit/t_vm.c $(VM_SRCS)
NEEDS := kern/base kern/mem
