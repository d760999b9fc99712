UNIT := t_vfs
SRCS := tests/unit/t_vfs.c $(wildcard rumpcomponents/vfs/vfs/*.c rumpcomponents/fs/tmpfs/*.c) \
	$(addprefix rumpcomponents/kern/desc/,desc.c file.c rw.c fcntl.c sendfile.c uio.c)
NEEDS := kern/base kern/mem
