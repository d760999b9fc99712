UNIT := t_disk
SRCS := tests/unit/t_disk.c $(wildcard rumpcomponents/dev/disk/*.c rumpcomponents/vfs/vfs/*.c rumpcomponents/fs/tmpfs/*.c \
	rumpcomponents/fs/devfs/*.c) $(addprefix rumpcomponents/kern/desc/,desc.c file.c rw.c fcntl.c sendfile.c uio.c)
NEEDS := kern/base kern/mem
