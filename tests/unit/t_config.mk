UNIT := t_config
SRCS := tests/unit/t_config.c rumpcomponents/kern/config/config.c rumpcomponents/kern/config/document.c
NEEDS := kern/base
