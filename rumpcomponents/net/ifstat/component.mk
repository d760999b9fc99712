DESC   := Packets and bytes of network interfaces, for kern/stats
PREFIX := ifstat_
SRCS   := ifstat.c
NEEDS  := kern/stats net/core
FOR    := stats_line
SMALL  := ifstat.c
