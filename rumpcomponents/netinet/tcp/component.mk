DESC   := TCP sockets
PREFIX := tcp_
SRCS   := tcp_input.c tcp_segment.c tcp_data.c tcp_cc.c tcp_output.c tcp_timer.c tcp_syn.c tcp_timewait.c tcp_subr.c tcp_usrreq.c tcp_sockopt.c
NEEDS  := kern/base kern/mem kern/random net/core net/socket netinet/ip
FOR    := sys_listen sys_connect
