DESC     := The console as standard input and output
PREFIX   := console_
SRCS     := console.c
NEEDS    := kern/base kern/desc
FOR      := fd_getfile
RUMPUSER := yes
OPT    := -Oz
