UNIT := t_signal
SRCS := tests/unit/t_signal.c rumpcomponents/kern/signal/sigsend.c rumpcomponents/kern/signal/sigcalls.c
NEEDS := kern/base kern/mem
DEFS := -Dlwp_interrupt=test_interrupt
