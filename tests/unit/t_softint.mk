UNIT := t_softint
SRCS := tests/unit/t_softint.c rumpcomponents/kern/base/softint.c
NEEDS := kern/base
# Beside the stand-ins of the same names, which other stand-ins call.
DEFS := $(foreach f,softint_establish softint_disestablish softint_schedule lwp_sleep_until rumpuser_clock_monotonic cpu_count,-D$f=real_$f)
