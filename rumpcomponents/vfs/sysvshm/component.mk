DESC   := System V shared memory
PREFIX := shm_
SRCS   := shm.c
NEEDS  := kern/base kern/mem kern/desc kern/sysvipc vfs/vfs
SMALL  := shm.c
