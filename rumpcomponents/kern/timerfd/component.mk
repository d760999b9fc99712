DESC   := timerfd, timers that are read from a descriptor
PREFIX := timerfd_
SRCS   := timerfd.c
NEEDS  := kern/base kern/mem kern/desc kern/poll kern/time
SMALL  := timerfd.c
