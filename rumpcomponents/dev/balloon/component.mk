DESC      := Memory given back to Xen, and taken again
PREFIX    := balloon_
SRCS      := balloon.c
NEEDS     := kern/base kern/mem dev/xenstore
FOR       := sys_exit_group
RUMPUSER  := yes
PLATFORMS := xen xen-pv any
SMALL     := balloon.c
