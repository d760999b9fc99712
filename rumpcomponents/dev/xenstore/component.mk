DESC      := xenstore, and the wishes of Xen's tools
PREFIX    := xenstore_
SRCS      := xenstore.c xenstore_wire.c xenstore_watch.c xenstore_control.c
NEEDS     := kern/base kern/mem dev/xenstore
FOR       := sys_exit_group
RUMPUSER  := yes
PLATFORMS := xen xen-pv any
SMALL     := xenstore.c xenstore_wire.c xenstore_watch.c xenstore_control.c
