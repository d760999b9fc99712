DESC   := Waiting for descriptors: poll and select
PREFIX := poll_ sel
SRCS   := selinfo.c poll.c select.c
NEEDS  := kern/base kern/mem kern/desc
