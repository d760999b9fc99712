UNIT := t_pages
SRCS := tests/unit/t_pages.c tests/unit/mem_world.c rumpcomponents/kern/mem/page.c rumpcomponents/kern/mem/page_pin.c rumpcomponents/kern/mem/pool.c \
	rumpcomponents/kern/mem/kmem.c rumpcomponents/kern/mem/vm_map.c rumpcomponents/kern/mem/vm_fault.c rumpcomponents/kern/mem/vm_move.c
NEEDS := kern/base kern/mem
