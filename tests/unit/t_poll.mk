UNIT := t_poll
SRCS := tests/unit/t_poll.c $(addprefix rumpcomponents/kern/,poll/poll.c poll/select.c poll/selinfo.c pipe/pipe.c \
	desc/desc.c desc/file.c desc/rw.c desc/fcntl.c desc/uio.c)
NEEDS := kern/base kern/mem
