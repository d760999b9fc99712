/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of net/socket share. */
#ifndef SOCKET_IMPL_H
#define SOCKET_IMPL_H

#include <kern/file.h>
#include <kern/systm.h>
#include <net/socketvar.h>

extern const struct fileops sofileops;

/* The socket behind a descriptor, and its file with a reference.  EBADF, ENOTSOCK. */
int sogetfd(int fd, struct file **fpp, struct socket **sop);
/* A socket address of the program's: EINVAL, EFAULT. */
int sogetaddr(const void *uaddr, unsigned len, struct sockaddr_storage *ss);
/* The other way: as much as *ulen has room for; *ulen is set to the true length. */
int soputaddr(const struct sockaddr_storage *ss, unsigned len, void *uaddr, unsigned *ulen);
/* The flags that a socket's file has by those of socket() and accept4(). */
int sofile_flags(int flags);
/* MSG_DONTWAIT if the file is non-blocking, else 0. */
int sofile_dontwait(const struct file *fp);
int sofile_sendpage(struct file *fp, const struct file_extent *ext, bool more, size_t *sent);
/* Bytes of the first datagram.  => locked, not empty. */
uint32_t sofirstlen(const struct sockbuf *sb);
/* SIGPIPE to the calling thread. */
void sosigpipe(void);

#endif
