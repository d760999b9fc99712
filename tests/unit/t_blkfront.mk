UNIT  := t_blkfront
SRCS  := tests/unit/t_blkfront.c tests/unit/blkfront_world.c tests/unit/front_world.c \
	$(wildcard rumpcomponents/dev/blkfront/*.c)
NEEDS := kern/base kern/mem dev/xenbus
