include tests/unit/networld.inc
UNIT := t_netinput
SRCS := tests/unit/t_netinput.c $(NETWORLD_SRCS)
NEEDS := kern/base net/core netinet/ip vfs/vfs
