UNIT := t_vm
SRCS := tests/unit/t_vm.c tests/unit/mem_world.c rumpcomponents/kern/mem/page.c rumpcomponents/kern/mem/page_pin.c rumpcomponents/kern/mem/pool.c \
	rumpcomponents/kern/mem/kmem.c rumpcomponents/kern/mem/vm_map.c rumpcomponents/kern/mem/vm_fault.c \
	rumpcomponents/kern/mem/vm_move.c rumpcomponents/kern/mem/vm_kstack.c
NEEDS := kern/base kern/mem
