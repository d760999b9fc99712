DESC   := POSIX message queues
PREFIX := mqueue_
SRCS   := mqueue.c mqueue_calls.c mqueue_notify.c
NEEDS  := kern/base kern/mem kern/desc kern/poll kern/time kern/signal
SMALL  := mqueue_calls.c mqueue_notify.c
