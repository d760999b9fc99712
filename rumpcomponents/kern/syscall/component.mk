DESC     := Entry stubs of the system calls, dispatch by number, calls not implemented
PREFIX   := sys_ syscall_
SRCS     := stubs.S entry.S syscall.c
NEEDS    := kern/base kern/syscall
RUMPUSER := yes
