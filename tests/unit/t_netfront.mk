UNIT  := t_netfront
SRCS  := tests/unit/t_netfront.c tests/unit/netfront_world.c tests/unit/netfront_peer.c tests/unit/front_world.c \
	$(addprefix rumpcomponents/dev/netfront/,netfront.c netfront_rx.c netfront_tx.c) rumpcomponents/net/core/mbuf.c
NEEDS := kern/base kern/mem net/core dev/xenbus
