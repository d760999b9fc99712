DESC   := DHCP client
PREFIX := dhcp_
SRCS   := dhcp.c dhcp_msg.c
NEEDS  := kern/base kern/mem kern/config kern/random net/core net/socket netinet/ip netinet/udp
FOR    := ether_ifattach
