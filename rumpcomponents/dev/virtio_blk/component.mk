DESC   := virtio disk
PREFIX := virtio_blk_
SRCS   := virtio_blk.c
NEEDS  := kern/base kern/mem dev/virtio dev/disk
FOR    := disk_open
PLATFORMS := hw any
