DESC     := Xen network front end
PREFIX   := netfront_
SRCS     := netfront.c netfront_rx.c netfront_tx.c
NEEDS    := kern/base kern/mem dev/xenbus net/core
FOR      := ether_ifattach
RUMPUSER := yes
PLATFORMS := xen xen-pv any
SMALL    := netfront.c
