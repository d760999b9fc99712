UNIT := t_devfs
SRCS := tests/unit/t_devfs.c $(wildcard rumpcomponents/vfs/vfs/*.c rumpcomponents/fs/tmpfs/*.c rumpcomponents/fs/devfs/*.c) \
	$(addprefix rumpcomponents/kern/desc/,desc.c file.c rw.c fcntl.c uio.c)
NEEDS := kern/base kern/mem
