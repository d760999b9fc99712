/* SPDX-License-Identifier: BSD-2-Clause */
/* uiomove and the iovecs of readv and friends. */
#include <limits.h>
#include <kern/kmem.h>
#include "desc_impl.h"

static int move(struct uio *uio, void *buf, size_t n, bool zero)
{
	static const char zeroes[256];
	char *p = buf;
	int error = 0;

	while (n > 0 && uio->uio_resid > 0) {
		struct iovec *iov = uio->uio_iov;
		size_t len = KMIN(n, KMIN(iov->iov_len, uio->uio_resid));
		if (iov->iov_len == 0) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
			continue;
		}
		if (zero)
			len = KMIN(len, sizeof(zeroes));
		if (uio->uio_seg == UIO_SYSSPACE) {
			if (uio->uio_rw == UIO_READ)
				memcpy(iov->iov_base, zero ? zeroes : p, len);
			else
				memcpy(p, iov->iov_base, len);
		} else if (uio->uio_rw == UIO_READ) {
			error = copyout(zero ? zeroes : p, iov->iov_base, len);
		} else {
			error = copyin(iov->iov_base, p, len);
		}
		if (error)
			return error;
		iov->iov_base = (char *)iov->iov_base + len;
		iov->iov_len -= len;
		uio->uio_resid -= len;
		uio->uio_offset += len;
		p = zero ? p : p + len;
		n -= len;
	}
	return 0;
}

int uiomove(void *buf, size_t n, struct uio *uio)
{
	return move(uio, buf, n, false);
}

int uiozero(size_t n, struct uio *uio)
{
	return move(uio, NULL, n, true);
}

int desc_iov_in(struct desc_iov *d, const struct iovec *uiov, unsigned long n)
{
	int error;

	if (n > IOV_MAX)
		return EINVAL;
	d->n = n;
	d->iov = n <= NELEM(d->few) ? d->few : kmem_alloc(n * sizeof(*d->iov));
	if (!d->iov)
		return ENOMEM;
	error = n ? copyin(uiov, d->iov, n * sizeof(*d->iov)) : 0;
	d->total = 0;
	for (unsigned long i = 0; i < n && !error; i++) {
		if (d->iov[i].iov_len > SSIZE_MAX - d->total)
			error = EINVAL;
		else
			d->total += d->iov[i].iov_len;
	}
	if (error)
		desc_iov_free(d);
	return error;
}

void desc_iov_free(struct desc_iov *d)
{
	if (d->iov != d->few)
		kmem_free(d->iov, d->n * sizeof(*d->iov));
}
