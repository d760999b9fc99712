/* SPDX-License-Identifier: BSD-2-Clause */
/* uiomove() for tests that do not link kern's own. */
#include <kern/systm.h>
#include <kern/uio.h>

/* buf NULL: zeroes. */
static int move(char *buf, size_t n, struct uio *uio)
{
	static const char zeroes[256];

	while (n > 0 && uio->uio_resid > 0) {
		struct iovec *iov = uio->uio_iov;
		size_t len = KMIN(n, KMIN(iov->iov_len, uio->uio_resid));
		int error = 0;

		if (len == 0) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
			continue;
		}
		if (buf == NULL)
			len = KMIN(len, sizeof(zeroes));
		if (uio->uio_rw == UIO_READ)
			error = copyout(buf ? buf : zeroes, iov->iov_base, len);
		else
			error = copyin(iov->iov_base, buf, len);
		if (error != 0)
			return error;
		iov->iov_base = (char *)iov->iov_base + len;
		iov->iov_len -= len;
		uio->uio_resid -= len;
		uio->uio_offset += (int64_t)len;
		buf = buf ? buf + len : NULL;
		n -= len;
	}
	return 0;
}

int uiomove(void *buf, size_t n, struct uio *uio)
{
	return move(buf, n, uio);
}

int uiozero(size_t n, struct uio *uio)
{
	KASSERT(uio->uio_rw == UIO_READ);
	return move(NULL, n, uio);
}
