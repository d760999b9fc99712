FUZZ := f_xenbus
SRCS := tests/fuzz/f_xenbus.c
NEEDS := kern/base kern/mem dev/xenbus
DEFS := -I rumpcomponents/dev/xenbus
