UNIT  := t_balloon
SRCS  := tests/unit/t_balloon.c tests/unit/xenworld.c $(addprefix rumpcomponents/dev/xenstore/xenstore,.c _wire.c _watch.c _control.c) \
	rumpcomponents/dev/balloon/balloon.c
NEEDS := kern/base kern/mem dev/xenstore
# A machine of 16 MB, where a part of what was allocated can be freed.
DEFS  := -Dkmem_stats=small_stats -Dpage_alloc=small_alloc -Dpage_free=small_free
