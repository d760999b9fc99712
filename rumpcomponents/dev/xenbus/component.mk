DESC      := Devices whose back end is in another domain (Xen)
PREFIX    := xenbus_
SRCS      := xenbus.c xenbus_shared.c
NEEDS     := kern/base kern/mem dev/xenbus
RUMPUSER  := yes
PLATFORMS := xen xen-pv any
SMALL     := xenbus.c xenbus_shared.c
