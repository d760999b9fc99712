UNIT := t_callout
SRCS := tests/unit/t_callout.c rumpcomponents/kern/base/callout.c
NEEDS := kern/base
