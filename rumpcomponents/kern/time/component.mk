DESC   := Clocks, sleeping and interval timers
PREFIX := time_ timer_
SRCS   := clock.c sleep.c itimer.c deadline.c timer.c
NEEDS  := kern/base kern/mem
RUMPUSER := yes
SMALL  := itimer.c timer.c deadline.c
