UNIT := t_desc
SRCS := tests/unit/t_desc.c $(addprefix rumpcomponents/kern/desc/,desc.c file.c rw.c fcntl.c sendfile.c uio.c)
NEEDS := kern/base kern/mem
LIBS := -Wl,--wrap=file_tryref
