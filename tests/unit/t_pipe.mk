UNIT := t_pipe
SRCS := tests/unit/t_pipe.c rumpcomponents/kern/pipe/pipe.c rumpcomponents/kern/poll/selinfo.c \
	$(addprefix rumpcomponents/kern/desc/,desc.c file.c rw.c fcntl.c uio.c)
NEEDS := kern/base kern/mem
