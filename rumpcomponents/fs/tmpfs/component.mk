DESC   := Files in memory: the root, alone or over a read-only image
PREFIX := tmpfs_
SRCS   := tmpfs.c node.c dir.c names.c file.c pages.c lower.c
NEEDS  := kern/base kern/mem vfs/vfs
FOR    := vfs_root
SMALL  := tmpfs.c names.c
