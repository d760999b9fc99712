FUZZ := f_config
SRCS := tests/fuzz/f_config.c rumpcomponents/kern/config/config.c rumpcomponents/kern/config/document.c
NEEDS := kern/base
