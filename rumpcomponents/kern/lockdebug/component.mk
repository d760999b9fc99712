DESC     := Checks on the use of locks, a call that makes allocations fail (flavour lockdebug)
PREFIX   := lockdebug_
SRCS     := lockdebug.c lockgraph.c faultinject.c
NEEDS    := kern/base kern/mem
RUMPUSER := yes
FLAVOUR  := lockdebug
SMALL    := lockgraph.c faultinject.c
