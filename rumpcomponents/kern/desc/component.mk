DESC   := File descriptors: the table, reading and writing, fcntl
PREFIX := fd_ file_ uio desc_
SRCS   := desc.c file.c rw.c fcntl.c sendfile.c uio.c
NEEDS  := kern/base kern/mem
SMALL  := desc.c fcntl.c file.c uio.c
