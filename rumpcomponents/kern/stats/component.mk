DESC   := Counts and peaks, printed when the program ends (kiln run --stats)
PREFIX := stats_ cpu_switchto cpu_intr base_crash_end vm_fault page_alloc
SRCS   := count.c report.c calls.c
NEEDS  := kern/base kern/config kern/mem
FOR    := @with @debug
RUMPUSER := yes
SMALL  := report.c calls.c
