DESC   := Several programs in one image: their processes, execve, vfork, waiting, starting them at launch
PREFIX := exec_
SRCS   := exec.c fork.c leave.c launch.c
NEEDS  := kern/base kern/config kern/desc kern/mem kern/syscall kern/pipe vfs/vfs
FOR    := @programs
OPT    := -Oz
