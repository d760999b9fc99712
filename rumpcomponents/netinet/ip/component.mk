DESC   := IPv4, ICMP, ARP, routes and addresses of interfaces
PREFIX := ip_ in_ icmp_ arp_
SRCS   := ip_input.c ip_reass.c ip_output.c icmp.c arp.c route.c in.c in_config.c in_ioctl.c in_pcb.c in_cksum.c in_sockopt.c
NEEDS  := kern/base kern/mem kern/config kern/random net/core net/socket vfs/vfs
FOR    := sys_socket
