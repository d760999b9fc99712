DESC   := System V semaphores and message queues
PREFIX := ipc_ sem_ msg_
SRCS   := ipc.c sem.c msg.c
NEEDS  := kern/base kern/mem kern/time kern/proc
SMALL  := ipc.c sem.c msg.c
