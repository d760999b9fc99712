/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfers between a disk and the program's memory.
 *
 * Whole sectors to or from memory that the disk can reach go there directly; the pages are pinned
 * meanwhile.  What is not whole sectors, or is in a wrong place, goes through a buffer of ours: for
 * a read, the sectors around it; for a write, sectors that change in part are read first, and
 * nobody else writes meanwhile (dk_sectors).
 */
#include <kern/kmem.h>
#include <kern/uio.h>
#include <kern/vm_map.h>
#include "disk_impl.h"

#define BOUNCE_MAX (64 * 1024UL)

/* A buffer of up to `want` bytes; the most that there is memory for, but at least a page. */
static void *bounce_alloc(size_t want, size_t *size)
{
	void *p;

	for (*size = round_page(KMIN(want, BOUNCE_MAX));; *size = round_page(*size / 2)) {
		p = kmem_alloc(*size);
		if (p || *size == PAGE_SIZE)
			return p;
	}
}

/* The part of a transfer that goes through the buffer at a time. */
struct bounce {
	uint8_t *b_buf;
	uint64_t b_blkno; /* of its first sector */
	size_t b_head;	  /* bytes before the first that is meant */
	size_t b_len;	  /* that are meant */
	size_t b_total;	  /* whole sectors */
};

static int bounce_read(struct disk *dk, const struct bounce *b, struct uio *uio)
{
	int error = disk_rw(dk, BUF_READ, b->b_blkno, b->b_buf, b->b_total);

	return error ? error : uiomove(b->b_buf + b->b_head, b->b_len, uio);
}

/* Read the sectors of which only a part is written: the first, the last.  => dk_sectors, writer */
static int read_edges(struct disk *dk, const struct bounce *b)
{
	size_t sec = dk->dk_secsize, last = b->b_total - sec;
	size_t end = b->b_head + b->b_len;
	int error = 0;

	if (b->b_head || (last == 0 && end < sec))
		error = disk_rw(dk, BUF_READ, b->b_blkno, b->b_buf, sec);
	if (!error && last > 0 && end < b->b_total)
		error =
		    disk_rw(dk, BUF_READ, b->b_blkno + (last >> DEV_BSHIFT), b->b_buf + last, sec);
	return error;
}

static int bounce_write(struct disk *dk, const struct bounce *b, struct uio *uio)
{
	bool part = b->b_len != b->b_total;
	size_t before = uio->uio_resid;
	int error;

	rw_enter(&dk->dk_sectors, part ? RW_WRITER : RW_READER);
	error = part ? read_edges(dk, b) : 0;
	if (!error)
		error = uiomove(b->b_buf + b->b_head, b->b_len, uio);
	if (!error)
		error = disk_rw(dk, BUF_WRITE, b->b_blkno, b->b_buf, b->b_total);
	rw_exit(&dk->dk_sectors);
	if (error)
		uio->uio_resid = before; /* nothing of it was written */
	return error;
}

/* The next part of a transfer through b's buffer of `size` bytes. */
static int bounce(
    struct disk *dk, struct bounce *b, size_t size, enum buf_op op, int64_t pos, struct uio *uio)
{
	size_t sec = dk->dk_secsize;

	b->b_head = (uint64_t)pos & (sec - 1);
	b->b_blkno = ((uint64_t)pos - b->b_head) >> DEV_BSHIFT;
	b->b_len = KMIN(uio->uio_resid, size - b->b_head);
	b->b_total = ROUNDUP(b->b_head + b->b_len, sec);
	return op == BUF_READ ? bounce_read(dk, b, uio) : bounce_write(dk, b, uio);
}

/* ------------------------------------------------------------------ direct */

#define DIRECT_PAGES 256 /* in one transfer */

/* Room for one direct transfer: addresses of pages, pieces. */
struct direct {
	unsigned d_max, d_npages;
	uint64_t *d_page;
	struct disk_seg *d_seg;
	struct buf d_buf;
};

/* Pieces for len bytes from `start` of the first page on; contiguous pages become one. */
static void direct_segs(const struct disk *dk, struct direct *d, size_t start, size_t len)
{
	uint64_t boundary = dk->dk_boundary ? ~(uint64_t)(dk->dk_boundary - 1) : 0;
	unsigned n = 0;

	for (unsigned i = 0; len > 0; i++) {
		size_t piece = KMIN(len, PAGE_SIZE - start);
		uint64_t pa = trunc_page(d->d_page[i]) + start;
		struct disk_seg *last = n ? &d->d_seg[n - 1] : NULL;

		if (last && last->ds_pa + last->ds_len == pa &&
		    !((last->ds_pa ^ (pa + piece - 1)) & boundary))
			last->ds_len += (uint32_t)piece;
		else
			d->d_seg[n++] = (struct disk_seg){pa, (uint32_t)piece};
		start = 0;
		len -= piece;
	}
	d->d_buf.b_nseg = n;
}

/* How much of uio's first buffer could go directly from pos on. */
static size_t direct_size(const struct disk *dk, int64_t pos, const struct uio *uio)
{
	const struct iovec *iov = uio->uio_iov;
	size_t len = KMIN(KMIN(iov->iov_len, uio->uio_resid), dk->dk_maxxfer);

	if (uio->uio_seg != UIO_USERSPACE || (uint64_t)pos & (dk->dk_secsize - 1) ||
	    (uintptr_t)iov->iov_base & (dk->dk_memalign - 1))
		return 0;
	return ROUNDDOWN(len, dk->dk_secsize);
}

/* Bytes of the first buffer that were pinned and are in d_seg. */
static size_t direct_prepare(
    const struct disk *dk, struct direct *d, enum buf_op op, const void *base, size_t len)
{
	size_t start = (uintptr_t)base & PAGE_MASK, n;

	len = KMIN(len, d->d_max * PAGE_SIZE - start);
	d->d_npages = (unsigned)vm_pin(
	    trunc_page(base), round_page(start + len) >> PAGE_SHIFT, op == BUF_READ, d->d_page);
	n = d->d_npages * PAGE_SIZE;
	len = n > start ? ROUNDDOWN(KMIN(len, n - start), dk->dk_secsize) : 0;
	direct_segs(dk, d, start, len);
	return len;
}

/* One transfer without a copy; *done is how much, 0 if none is possible here. */
static int direct(
    struct disk *dk, struct direct *d, enum buf_op op, int64_t pos, struct uio *uio, size_t *done)
{
	struct iovec *iov = uio->uio_iov;
	int error = 0;

	*done = direct_size(dk, pos, uio);
	if (*done == 0)
		return 0;
	*done = direct_prepare(dk, d, op, iov->iov_base, *done);
	if (*done > 0) {
		d->d_buf.b_op = op;
		d->d_buf.b_seg = d->d_seg;
		d->d_buf.b_blkno = (uint64_t)pos >> DEV_BSHIFT;
		d->d_buf.b_bcount = *done;
		if (op == BUF_WRITE)
			rw_enter(&dk->dk_sectors, RW_READER);
		error = disk_wait(dk, &d->d_buf);
		if (op == BUF_WRITE)
			rw_exit(&dk->dk_sectors);
	}
	vm_unpin(d->d_page, d->d_npages);
	if (!error) {
		iov->iov_base = (char *)iov->iov_base + *done;
		iov->iov_len -= *done;
		uio->uio_resid -= *done;
		uio->uio_offset += (int64_t)*done;
	}
	return error;
}

static size_t direct_bytes(unsigned npages)
{
	return npages * (sizeof(uint64_t) + sizeof(struct disk_seg));
}

/* ------------------------------------------------------------------ both */

static int physio(struct disk *dk, struct direct *d, enum buf_op op, int64_t *pos, struct uio *uio)
{
	struct bounce b = {.b_buf = NULL};
	size_t sec = dk->dk_secsize, size = 0;
	int error = 0;

	while (uio->uio_resid > 0 && !error) {
		size_t before = uio->uio_resid, done = 0;

		for (; uio->uio_iov->iov_len == 0; uio->uio_iov++)
			uio->uio_iovcnt--;
		if (d)
			error = direct(dk, d, op, *pos, uio, &done);
		if (done == 0) {
			if (!b.b_buf)
				b.b_buf = bounce_alloc(KMIN(before, BOUNCE_MAX) + 2 * sec, &size);
			error = b.b_buf ? bounce(dk, &b, size, op, *pos, uio) : ENOMEM;
		}
		*pos += (int64_t)(before - uio->uio_resid);
	}
	if (b.b_buf)
		kmem_free(b.b_buf, size);
	return error;
}

int disk_physio(struct disk *dk, enum buf_op op, int64_t *pos, struct uio *uio)
{
	size_t npages = (uio->uio_resid >> PAGE_SHIFT) + 2;
	struct direct d = {.d_max = (unsigned)KMIN(KMIN(npages, DIRECT_PAGES), dk->dk_maxsegs)};
	int error;

	d.d_page = kmem_alloc(direct_bytes(d.d_max));
	if (!d.d_page)
		return physio(dk, NULL, op, pos, uio);
	d.d_seg = (struct disk_seg *)(d.d_page + d.d_max);
	error = physio(dk, &d, op, pos, uio);
	kmem_free(d.d_page, direct_bytes(d.d_max));
	return error;
}
