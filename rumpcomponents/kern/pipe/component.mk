DESC   := Pipes, the FIFO kind of descriptor
PREFIX := pipe_
SRCS   := pipe.c
NEEDS  := kern/base kern/mem kern/desc kern/poll
