DESC      := Xen disk (front end of blkif)
PREFIX    := blkfront_
SRCS      := blkfront.c blkfront_name.c blkfront_page.c blkfront_ring.c
NEEDS     := kern/base kern/mem dev/disk dev/xenbus
FOR       := disk_open
RUMPUSER  := yes
PLATFORMS := xen xen-pv any
SMALL     := blkfront.c blkfront_name.c blkfront_page.c
