DESC     := the network interface of a hosted process (TAP or socketpair)
PREFIX   := hostif_
SRCS     := hostif.c
NEEDS    := kern/base kern/mem net/core dev/hostif
FOR      := ether_ifattach
RUMPUSER := yes
PLATFORMS := hosted
