DESC   := Futexes: waiting for a word of memory to change
PREFIX := futex_
SRCS   := futex.c futex_pi.c futex_robust.c
NEEDS  := kern/base kern/mem
OPT    := -Os
