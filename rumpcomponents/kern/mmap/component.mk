DESC   := mmap and its family
PREFIX := mmap_
SRCS   := mmap.c brk.c
NEEDS  := kern/base kern/mem kern/desc
SMALL  := mmap.c brk.c
