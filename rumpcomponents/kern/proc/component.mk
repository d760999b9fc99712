DESC   := The process: threads, exit, ids, limits, scheduling, names
PREFIX := proc_
SRCS   := thread.c children.c ids.c limits.c sched.c prctl.c uname.c
NEEDS  := kern/base kern/config kern/futex kern/syscall
SMALL  := thread.c children.c limits.c prctl.c uname.c
