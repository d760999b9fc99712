DESC   := Memory in use when the program ends, on the console (bake --with kern/memstat)
PREFIX := memstat_
SRCS   := memstat.c
NEEDS  := kern/base kern/mem
SMALL  := memstat.c
