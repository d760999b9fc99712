DESC     := Signals: sending, waiting, delivering to handlers
PREFIX   := sig_ signalfd_
SRCS     := signal.c deliver.c frame.c sigcalls.c sigwait.c
NEEDS    := kern/base kern/mem kern/syscall
RUMPUSER := yes
