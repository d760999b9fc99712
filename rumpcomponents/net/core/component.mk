DESC   := Packets (mbufs), network interfaces, Ethernet, loopback
PREFIX := m_ mbuf_ if_ ifnet_ ifunit ether_ loop_ netbatch_
SRCS   := mbuf.c if.c ether.c loop.c
NEEDS  := kern/base kern/mem
