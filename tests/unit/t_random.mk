UNIT := t_random
SRCS := tests/unit/t_random.c rumpcomponents/kern/random/chacha.c rumpcomponents/kern/random/random.c
NEEDS := kern/base kern/config
