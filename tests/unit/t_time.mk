UNIT := t_time
SRCS := tests/unit/t_time.c $(addprefix rumpcomponents/kern/time/,clock.c deadline.c itimer.c sleep.c timer.c)
NEEDS := kern/base kern/mem
