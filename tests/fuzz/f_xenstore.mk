FUZZ := f_xenstore
SRCS := tests/fuzz/f_xenstore.c rumpcomponents/dev/xenstore/xenstore.c rumpcomponents/dev/xenstore/xenstore_control.c
NEEDS := kern/base kern/mem dev/xenstore
DEFS := -Dkthread_create=no_kthread
