FUZZ := f_dhcp
SRCS := tests/fuzz/f_dhcp.c rumpcomponents/netinet/dhcp/dhcp_msg.c rumpcomponents/net/core/mbuf.c
NEEDS := kern/base kern/mem kern/config net/socket netinet/udp
