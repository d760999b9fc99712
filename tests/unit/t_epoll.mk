UNIT := t_epoll
SRCS := tests/unit/t_epoll.c $(addprefix rumpcomponents/kern/,epoll/epoll.c epoll/epoll_wait.c poll/selinfo.c poll/poll.c \
	pipe/pipe.c desc/desc.c desc/file.c desc/rw.c desc/fcntl.c desc/uio.c)
NEEDS := kern/base kern/mem
