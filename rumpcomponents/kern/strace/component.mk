DESC   := System calls as the program makes them, on the console (kiln run --strace)
PREFIX := strace_ sys_
SRCS   := stubs.S entry.S strace.c show.c decode.c structs.c flags.c errnos.c calls.c
NEEDS  := kern/base kern/config kern/desc kern/mem kern/syscall
FOR    := @with @debug
RUMPUSER := yes
OPT    := -Os
