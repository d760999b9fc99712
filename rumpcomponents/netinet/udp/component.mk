DESC   := UDP sockets
PREFIX := udp_
SRCS   := udp_input.c udp_usrreq.c
NEEDS  := kern/base kern/mem net/core net/socket netinet/ip
FOR    := sys_socket
