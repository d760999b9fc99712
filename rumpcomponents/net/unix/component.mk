DESC   := Unix-domain sockets
PREFIX := unix_
SRCS   := unix.c unix_name.c unix_io.c unix_rights.c
NEEDS  := kern/base kern/mem kern/desc net/core net/socket
FOR    := sys_socketpair sys_connect sys_listen sys_sendmsg sys_recvmsg
