DESC   := epoll: waiting for many descriptors
PREFIX := epoll_
SRCS   := epoll.c epoll_wait.c
NEEDS  := kern/base kern/mem kern/desc kern/poll
