DESC   := /proc and /sys, as far as programs look there
PREFIX := procfs_ proc_printf proc_write
SRCS   := procfs.c file.c self.c system.c
NEEDS  := kern/base kern/mem kern/desc kern/config kern/proc kern/random vfs/vfs
FOR    := namei
SMALL  := procfs.c file.c self.c system.c
