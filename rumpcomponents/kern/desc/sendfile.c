/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sendfile(2).  Where the source can show its bytes in kernel memory (fo_peek) and the
 * sink can take memory without copying it (fo_sendpage), nothing is copied;
 * otherwise a page at a time goes through a buffer.
 */
#include <fcntl.h>
#include <kern/kmem.h>
#include <kern/sysproto.h>
#include "desc_impl.h"

#define SENDFILE_MAX 0x7ffff000UL

static void drop_extent(struct file_extent *ext)
{
	if (ext->fe_len > 0 && ext->fe_release)
		ext->fe_release(ext->fe_arg);
	ext->fe_len = 0;
}

/*
 * Whether more follows an extent is known only when the next one is there: the file may
 * end before count does, and a sink that was promised more would sit on the last bytes.
 */
static int send_pages(struct file *out, struct file *in, int64_t *off, size_t count, size_t *done)
{
	struct file_extent ext = {0}, next;
	size_t sent;
	int error = 0;

	while (!error && count > 0) {
		if (ext.fe_len == 0)
			error = in->f_ops->fo_peek(in, *off, count, &ext);
		if (error || ext.fe_len == 0)
			break;
		next.fe_len = 0;
		if (count > ext.fe_len && in->f_ops->fo_peek(in, *off + (int64_t)ext.fe_len,
					      count - ext.fe_len, &next) != 0)
			next.fe_len = 0; /* the same error again when its turn comes */
		sent = 0;
		error = out->f_ops->fo_sendpage(out, &ext, next.fe_len > 0, &sent);
		if (!error) {
			*off += (int64_t)sent;
			*done += sent;
			count -= sent;
		}
		if (error || sent < ext.fe_len)
			drop_extent(&next);
		/* A sink that may wait takes a piece at a time: the rest is offered to it again. */
		if (sent == 0 || (sent < ext.fe_len && out->f_flags & O_NONBLOCK))
			break;
		ext = next;
	}
	return error;
}

static int send_copied(struct file *out, struct file *in, int64_t *off, size_t count, size_t *done)
{
	char *page = kmem_alloc(PAGE_SIZE);
	struct iovec iov;
	struct uio uio;
	size_t got, sent;
	int error = page ? 0 : ENOMEM;

	while (!error && count > 0) {
		int64_t at = *off;
		uio_init1(&uio, &iov, page, KMIN(count, PAGE_SIZE), UIO_READ, UIO_SYSSPACE);
		got = uio.uio_resid;
		error = in->f_ops->fo_read(in, &at, &uio);
		got -= uio.uio_resid;
		if (error || got == 0)
			break;
		uio_init1(&uio, &iov, page, got, UIO_WRITE, UIO_SYSSPACE);
		error = out->f_ops->fo_write(out, &out->f_offset, &uio);
		sent = got - uio.uio_resid;
		*off += sent;
		*done += sent;
		count -= sent;
		if (sent < got)
			break;
	}
	if (page)
		kmem_free(page, PAGE_SIZE);
	return error;
}

static int send_file(struct file *out, struct file *in, off_t *uoff, size_t count, size_t *done)
{
	int64_t off = 0;
	int error = 0;

	if ((in->f_flags & O_ACCMODE) == O_WRONLY || (out->f_flags & O_ACCMODE) == O_RDONLY ||
	    (in->f_flags | out->f_flags) & O_PATH)
		return EBADF;
	if (!in->f_ops->fo_read || !in->f_ops->fo_seek || !out->f_ops->fo_write)
		return EINVAL;
	if (uoff)
		error = copyin(uoff, &off, sizeof(off));
	else
		mutex_enter(&in->f_lock);
	if (!error && uoff && off < 0)
		error = EINVAL;
	if (!error) {
		if (!uoff)
			off = in->f_offset;
		error = in->f_ops->fo_peek && out->f_ops->fo_sendpage
			    ? send_pages(out, in, &off, count, done)
			    : send_copied(out, in, &off, count, done);
	}
	if (!uoff) {
		in->f_offset = off;
		mutex_exit(&in->f_lock);
	} else if (*done > 0) {
		int e = copyout(&off, uoff, sizeof(off));
		error = e ? e : error;
	}
	return *done > 0 && error != EFAULT ? 0 : error;
}

long do_sys_sendfile(int outfd, int infd, off_t *uoff, size_t count)
{
	struct file *in, *out;
	size_t done = 0;
	int error = fd_getfile(outfd, &out);

	if (error)
		return sysret(error, 0);
	error = fd_getfile(infd, &in);
	if (!error) {
		error = send_file(out, in, uoff, KMIN(count, SENDFILE_MAX), &done);
		fd_putfile(in);
	}
	fd_putfile(out);
	return sysret(error, done);
}
