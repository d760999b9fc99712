include tests/unit/networld.inc
UNIT := t_tcpdata
SRCS := tests/unit/t_tcpdata.c tests/unit/tcpinput_world.c $(NETWORLD_SRCS)
NEEDS := kern/base net/core netinet/ip vfs/vfs
