FUZZ := f_strace
SRCS := tests/fuzz/f_strace.c $(addprefix rumpcomponents/kern/strace/,decode.c structs.c flags.c errnos.c calls.c)
NEEDS := kern/base
DEFS := -Dcopyin=test_copyin -Dcopyinstr=test_copyinstr
