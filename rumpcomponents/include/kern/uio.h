/* SPDX-License-Identifier: BSD-2-Clause */
/* A transfer between the kernel and a list of buffers, usually the program's. */
#ifndef KERN_UIO_H
#define KERN_UIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum uio_rw { UIO_READ, UIO_WRITE }; /* READ: kernel to buffers */
enum uio_seg { UIO_USERSPACE, UIO_SYSSPACE };

struct uio {
	struct iovec *uio_iov; /* advanced by uiomove */
	int uio_iovcnt;
	int64_t uio_offset; /* file offset, for those that have one */
	size_t uio_resid;   /* bytes left */
	enum uio_rw uio_rw;
	enum uio_seg uio_seg;
};

/* Move min(n, uio_resid) bytes between buf and the buffers.  EFAULT.  May sleep. */
int uiomove(void *buf, size_t n, struct uio *uio);
/* n zero bytes into the buffers (UIO_READ). */
int uiozero(size_t n, struct uio *uio);
/* One buffer; iov must outlive uio. */
static inline void uio_init1(
    struct uio *uio, struct iovec *iov, void *buf, size_t len, enum uio_rw rw, enum uio_seg seg)
{
	iov->iov_base = buf;
	iov->iov_len = len;
	*uio = (struct uio){iov, 1, 0, len, rw, seg};
}

#endif
