DESC   := Sockets: system calls, buffers, options
PREFIX := so sb file_socket
SRCS   := socket.c sockbuf.c sosend.c soreceive.c sockopt.c sockfile.c syscalls.c sysmsg.c
NEEDS  := kern/base kern/mem kern/desc kern/poll net/core
