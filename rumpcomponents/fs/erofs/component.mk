DESC   := EROFS images, read in place
PREFIX := erofs_
SRCS   := image.c inode.c data.c dir.c root.c
NEEDS  := kern/base kern/mem vfs/vfs
FOR    := @root
SMALL  := image.c root.c
