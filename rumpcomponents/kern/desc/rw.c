/* SPDX-License-Identifier: BSD-2-Clause */
/* read(2), write(2) and their vector and positioned kin. */
#include <fcntl.h>
#include <limits.h>
#include <kern/sysproto.h>
#include "desc_impl.h"

#define RW_MAX 0x7ffff000UL /* as Linux: what does not fit an int, page-rounded */

/* One transfer.  offset NULL: at the file's own position, which it moves. */
static int transfer(struct file *fp, struct uio *uio, int64_t *offset, size_t *done)
{
	int (*op)(struct file *, int64_t *, struct uio *) =
	    uio->uio_rw == UIO_READ ? fp->f_ops->fo_read : fp->f_ops->fo_write;
	int mode = fp->f_flags & (O_ACCMODE | O_PATH), error;
	size_t want = uio->uio_resid;
	bool own = !offset && fp->f_ops->fo_seek;

	if (mode & O_PATH || mode == (uio->uio_rw == UIO_READ ? O_WRONLY : O_RDONLY))
		return EBADF;
	if (!op)
		return EINVAL;
	if (own)
		mutex_enter(&fp->f_lock);
	error = op(fp, offset ? offset : &fp->f_offset, uio);
	if (own)
		mutex_exit(&fp->f_lock);
	*done = want - uio->uio_resid;
	/* What has been moved counts, even if it then broke off. */
	if (*done > 0 && error != EFAULT)
		error = 0;
	return error;
}

static long rw1(int fd, void *buf, size_t len, int64_t *offset, enum uio_rw rw)
{
	struct file *fp;
	struct iovec iov;
	struct uio uio;
	size_t done = 0;
	int error = fd_getfile(fd, &fp);

	if (error)
		return sysret(error, 0);
	uio_init1(&uio, &iov, buf, KMIN(len, RW_MAX), rw, UIO_USERSPACE);
	if (offset && !fp->f_ops->fo_seek)
		error = ESPIPE;
	else if (offset && *offset < 0)
		error = EINVAL;
	else
		error = transfer(fp, &uio, offset, &done);
	fd_putfile(fp);
	return sysret(error, done);
}

static long rwv(int fd, const struct iovec *uiov, unsigned long n, int64_t *offset, enum uio_rw rw)
{
	struct file *fp;
	struct desc_iov d;
	struct uio uio;
	size_t done = 0;
	int error = fd_getfile(fd, &fp);

	if (error)
		return sysret(error, 0);
	error = offset && !fp->f_ops->fo_seek ? ESPIPE
		: offset && *offset < 0	      ? EINVAL
					      : desc_iov_in(&d, uiov, n);
	if (!error) {
		uio = (struct uio){d.iov, (int)n, 0, KMIN(d.total, RW_MAX), rw, UIO_USERSPACE};
		error = transfer(fp, &uio, offset, &done);
		desc_iov_free(&d);
	}
	fd_putfile(fp);
	return sysret(error, done);
}

long do_sys_read(int fd, void *buf, size_t len)
{
	return rw1(fd, buf, len, NULL, UIO_READ);
}

long do_sys_write(int fd, const void *buf, size_t len)
{
	return rw1(fd, (void *)(uintptr_t)buf, len, NULL, UIO_WRITE);
}

long do_sys_readv(int fd, const struct iovec *iov, unsigned long n)
{
	return rwv(fd, iov, n, NULL, UIO_READ);
}

long do_sys_writev(int fd, const struct iovec *iov, unsigned long n)
{
	return rwv(fd, iov, n, NULL, UIO_WRITE);
}

long do_sys_pread64(int fd, void *buf, size_t len, off_t off)
{
	int64_t offset = off;

	return rw1(fd, buf, len, &offset, UIO_READ);
}

long do_sys_pwrite64(int fd, const void *buf, size_t len, off_t off)
{
	int64_t offset = off;

	return rw1(fd, (void *)(uintptr_t)buf, len, &offset, UIO_WRITE);
}

long do_sys_preadv(
    int fd, const struct iovec *iov, unsigned long n, unsigned long lo, unsigned long hi)
{
	int64_t offset = (int64_t)lo;

	return rwv(fd, iov, n, &offset, UIO_READ);
}

long do_sys_pwritev(
    int fd, const struct iovec *iov, unsigned long n, unsigned long lo, unsigned long hi)
{
	int64_t offset = (int64_t)lo;

	return rwv(fd, iov, n, &offset, UIO_WRITE);
}

long do_sys_preadv2(
    int fd, const struct iovec *iov, unsigned long n, unsigned long lo, unsigned long hi, int flags)
{
	int64_t offset = (int64_t)lo;

	return flags ? sysret(EOPNOTSUPP, 0)
		     : rwv(fd, iov, n, offset == -1 ? NULL : &offset, UIO_READ);
}

long do_sys_pwritev2(
    int fd, const struct iovec *iov, unsigned long n, unsigned long lo, unsigned long hi, int flags)
{
	int64_t offset = (int64_t)lo;

	return flags ? sysret(EOPNOTSUPP, 0)
		     : rwv(fd, iov, n, offset == -1 ? NULL : &offset, UIO_WRITE);
}
