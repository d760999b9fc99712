UNIT := t_eventfd
SRCS := tests/unit/t_eventfd.c $(addprefix rumpcomponents/kern/,eventfd/eventfd.c poll/selinfo.c desc/desc.c desc/file.c \
	desc/rw.c desc/fcntl.c desc/uio.c)
NEEDS := kern/base kern/mem
