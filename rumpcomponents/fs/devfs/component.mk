DESC   := /dev: null, zero, full, random, console, open files by number
PREFIX := devfs_
SRCS   := devfs.c mem.c fd.c
NEEDS  := kern/base kern/mem kern/desc kern/console kern/random vfs/vfs
FOR    := namei
SMALL  := devfs.c mem.c fd.c
