UNIT  := t_xenbus
SRCS  := tests/unit/t_xenbus.c tests/unit/xenworld.c $(addprefix rumpcomponents/dev/xenstore/xenstore,.c _wire.c _watch.c _control.c) \
	$(addprefix rumpcomponents/dev/xenbus/xenbus,.c _shared.c)
NEEDS := kern/base kern/mem dev/xenbus
