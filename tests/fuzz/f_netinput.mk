include tests/unit/networld.inc
FUZZ := f_netinput
SRCS := tests/fuzz/f_netinput.c $(NETWORLD_SRCS)
NEEDS := kern/base net/core netinet/ip vfs/vfs
