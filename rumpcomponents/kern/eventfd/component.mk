DESC   := eventfd: a counter to wait for
PREFIX := eventfd_
SRCS   := eventfd.c
NEEDS  := kern/base kern/mem kern/desc kern/poll
