FUZZ := f_erofs
SRCS := tests/fuzz/f_erofs.c tests/unit/erofs_walk.c rumpcomponents/fs/erofs/image.c rumpcomponents/fs/erofs/inode.c \
	rumpcomponents/fs/erofs/data.c rumpcomponents/fs/erofs/dir.c rumpcomponents/vfs/vfs/vnode.c rumpcomponents/vfs/vfs/cache.c
NEEDS := kern/base kern/mem vfs/vfs
