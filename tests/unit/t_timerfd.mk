UNIT := t_timerfd
SRCS := tests/unit/t_timerfd.c $(addprefix rumpcomponents/kern/,timerfd/timerfd.c time/deadline.c \
	poll/selinfo.c desc/desc.c desc/file.c desc/rw.c desc/fcntl.c desc/uio.c)
NEEDS := kern/base kern/mem
