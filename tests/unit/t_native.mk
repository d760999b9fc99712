UNIT := t_native
SRCS := tests/unit/t_native.c
NEEDS := kern/base kern/mem
