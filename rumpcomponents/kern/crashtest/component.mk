DESC   := For tests: a system call that makes the kernel fail in the way asked for
PREFIX := crashtest_
SRCS   := crashtest.c
NEEDS  := kern/base kern/mem
RUMPUSER := yes
OPT    := -Os -fno-optimize-sibling-calls
