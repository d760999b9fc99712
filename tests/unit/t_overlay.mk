UNIT := t_overlay
SRCS := tests/unit/t_overlay.c tests/unit/fakelower.c $(wildcard rumpcomponents/vfs/vfs/*.c rumpcomponents/fs/tmpfs/*.c) \
	$(addprefix rumpcomponents/kern/desc/,desc.c file.c rw.c fcntl.c uio.c)
NEEDS := kern/base kern/mem
