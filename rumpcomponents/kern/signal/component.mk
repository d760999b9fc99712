DESC     := Signals: masks, queues, handlers, waiting for them, signalfd
PREFIX   := sig_
SRCS     := sigsend.c sigdeliver.c sigcalls.c sigwait.c sigfd.c sigproc.c
NEEDS    := kern/base kern/desc kern/poll kern/syscall
RUMPUSER := yes
SMALL    := sigproc.c sigcalls.c sigwait.c sigfd.c
