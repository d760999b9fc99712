/* SPDX-License-Identifier: BSD-2-Clause */
/* Open files of /proc: a text that is made when the file is opened, and read from there. */
#include <fcntl.h>
#include <kern/file.h>
#include <kern/kmem.h>
#include "procfs_impl.h"

#define FIRST_SIZE 1024

static bool reserve(struct procbuf *pb, size_t more)
{
	size_t size = KMAX(pb->pb_size * 2, (size_t)FIRST_SIZE);
	char *text;

	if (pb->pb_failed || pb->pb_size - pb->pb_len >= more)
		return !pb->pb_failed;
	while (size - pb->pb_len < more)
		size *= 2;
	text = kmem_alloc(size);
	if (!text) {
		pb->pb_failed = true;
		return false;
	}
	if (pb->pb_size > 0) {
		memcpy(text, pb->pb_text, pb->pb_len);
		kmem_free(pb->pb_text, pb->pb_size);
	}
	pb->pb_text = text;
	pb->pb_size = size;
	return true;
}

void proc_write(struct procbuf *pb, const void *data, size_t len)
{
	if (!reserve(pb, len))
		return;
	memcpy(pb->pb_text + pb->pb_len, data, len);
	pb->pb_len += len;
}

void proc_printf(struct procbuf *pb, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = (size_t)kvsnprintf(NULL, 0, fmt, ap);
	if (reserve(pb, n + 1)) {
		/* What is printed may have changed, and be shorter now. */
		pb->pb_len += KMIN(n, (size_t)kvsnprintf(pb->pb_text + pb->pb_len, n + 1, fmt, ap));
	}
	va_end(ap);
}

static void release(struct procbuf *pb)
{
	if (pb->pb_size > 0)
		kmem_free(pb->pb_text, pb->pb_size);
}

struct procfile {
	struct procbuf pf_buf;
	uint64_t pf_dev, pf_ino;
};

static int file_read(struct file *fp, int64_t *offset, struct uio *uio)
{
	const struct procbuf *pb = &((struct procfile *)fp->f_data)->pf_buf;
	size_t left = uio->uio_resid;
	int error;

	if (*offset >= (int64_t)pb->pb_len)
		return 0;
	error = uiomove(pb->pb_text + *offset, pb->pb_len - (size_t)*offset, uio);
	*offset += (int64_t)(left - uio->uio_resid);
	return error;
}

static int file_seek(struct file *fp, int64_t delta, int whence, int64_t *newoff)
{
	int64_t to;

	if (whence != SEEK_SET && whence != SEEK_CUR)
		return EINVAL;
	if (__builtin_add_overflow(whence == SEEK_CUR ? fp->f_offset : 0, delta, &to) || to < 0)
		return EINVAL;
	fp->f_offset = *newoff = to;
	return 0;
}

static int file_stat(struct file *fp, struct stat *st)
{
	const struct procfile *pf = fp->f_data;

	st->st_dev = pf->pf_dev;
	st->st_ino = pf->pf_ino;
	st->st_mode = S_IFREG | 0444;
	st->st_nlink = 1;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

static void file_close(struct file *fp)
{
	struct procfile *pf = fp->f_data;

	release(&pf->pf_buf);
	kmem_free(pf, sizeof(*pf));
}

static const struct fileops file_ops = {
    .fo_read = file_read,
    .fo_seek = file_seek,
    .fo_stat = file_stat,
    .fo_close = file_close,
};

int procfs_open(
    const struct procfs_entry *pe, int flags, uint64_t dev, uint64_t ino, struct file **fpp)
{
	struct procfile *pf = kmem_zalloc(sizeof(*pf));
	int error;

	if (!pf)
		return ENOMEM;
	pf->pf_dev = dev;
	pf->pf_ino = ino;
	pe->pe_show(&pf->pf_buf);
	error = pf->pf_buf.pb_failed ? ENOMEM : file_alloc(&file_ops, DTYPE_MISC, flags, pf, fpp);
	if (error) {
		release(&pf->pf_buf);
		kmem_free(pf, sizeof(*pf));
	}
	return error;
}

int procfs_readlink(const struct procfs_entry *pe, char *buf, size_t *len)
{
	struct procbuf pb = {0};

	pe->pe_show(&pb);
	if (pb.pb_failed) {
		release(&pb);
		return ENOMEM;
	}
	*len = KMIN(*len, pb.pb_len);
	memcpy(buf, pb.pb_text, *len);
	release(&pb);
	return 0;
}
