include tests/unit/networld.inc
UNIT := t_tcpinput
SRCS := tests/unit/t_tcpinput.c tests/unit/tcpinput_world.c $(NETWORLD_SRCS)
NEEDS := kern/base net/core netinet/ip vfs/vfs
