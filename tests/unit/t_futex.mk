UNIT := t_futex
SRCS := tests/unit/t_futex.c $(addprefix rumpcomponents/kern/futex/,futex.c futex_pi.c futex_robust.c)
NEEDS := kern/base kern/mem
