UNIT  := t_xenstore
SRCS  := tests/unit/t_xenstore.c tests/unit/xenworld.c $(addprefix rumpcomponents/dev/xenstore/xenstore,.c _wire.c _watch.c _control.c)
NEEDS := kern/base kern/mem dev/xenstore
