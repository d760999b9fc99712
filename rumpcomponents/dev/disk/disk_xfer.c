/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfers between a disk and the program's memory.
 *
 * What is not whole sectors goes through a buffer of ours: for a read, the sectors around it;
 * for a write, sectors that change in part are read first, and nobody else writes meanwhile
 * (dk_sectors).
 */
#include <kern/kmem.h>
#include <kern/uio.h>
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

int disk_physio(struct disk *dk, enum buf_op op, int64_t *pos, struct uio *uio)
{
	size_t sec = dk->dk_secsize, size, start = uio->uio_resid;
	struct bounce b = {.b_buf = NULL};
	int error = 0;

	if (start == 0)
		return 0;
	b.b_buf = bounce_alloc(KMIN(start, BOUNCE_MAX) + 2 * sec, &size);
	if (!b.b_buf)
		return ENOMEM;
	while (uio->uio_resid > 0 && !error) {
		size_t before = uio->uio_resid;

		b.b_head = (uint64_t)*pos & (sec - 1);
		b.b_blkno = ((uint64_t)*pos - b.b_head) >> DEV_BSHIFT;
		b.b_len = KMIN(before, size - b.b_head);
		b.b_total = ROUNDUP(b.b_head + b.b_len, sec);
		error = op == BUF_READ ? bounce_read(dk, &b, uio) : bounce_write(dk, &b, uio);
		*pos += (int64_t)(before - uio->uio_resid);
	}
	kmem_free(b.b_buf, size);
	return error;
}
