FUZZ := f_netinput
SRCS := tests/fuzz/f_netinput.c tests/unit/networld.c \
	$(addprefix rumpcomponents/net/core/,mbuf.c if.c ether.c loop.c) \
	$(addprefix rumpcomponents/net/socket/,socket.c sockbuf.c sosend.c soreceive.c sockopt.c sockfile.c syscalls.c sysmsg.c) \
	$(addprefix rumpcomponents/netinet/ip/,ip_input.c ip_reass.c ip_output.c icmp.c arp.c route.c in.c in_config.c in_ioctl.c \
		in_pcb.c in_cksum.c in_sockopt.c) \
	$(addprefix rumpcomponents/netinet/udp/,udp_input.c udp_usrreq.c) \
	$(addprefix rumpcomponents/netinet/tcp/,tcp_input.c tcp_segment.c tcp_data.c tcp_cc.c tcp_output.c tcp_timer.c tcp_syn.c \
		tcp_timewait.c tcp_subr.c tcp_usrreq.c tcp_sockopt.c) \
	$(addprefix rumpcomponents/kern/desc/,desc.c file.c rw.c fcntl.c uio.c)
NEEDS := kern/base net/core netinet/ip vfs/vfs
