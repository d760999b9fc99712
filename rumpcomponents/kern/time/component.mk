DESC   := Clocks, sleeping and interval timers
PREFIX := time_
SRCS   := clock.c sleep.c itimer.c
NEEDS  := kern/base
