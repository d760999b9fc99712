DESC   := Disks: their device nodes, transfers from and to program memory
PREFIX := disk_ biodone
SRCS   := disk.c disk_file.c disk_xfer.c
NEEDS  := kern/base kern/mem kern/desc vfs/vfs dev/disk
SMALL  := disk.c disk_file.c
