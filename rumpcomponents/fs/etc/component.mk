DESC   := /etc/passwd, group and hosts, where the image has none
PREFIX := etc_
SRCS   := etc.c
NEEDS  := kern/base kern/proc vfs/vfs
FOR    := __getpw_a __getpwent_a __getgr_a __getgrent_a __lookup_name
SMALL  := etc.c
