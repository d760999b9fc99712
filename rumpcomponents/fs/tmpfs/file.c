/* SPDX-License-Identifier: BSD-2-Clause */
/* Regular files: reading, writing, growing and shrinking. */
#include <fcntl.h>
#include "tmpfs_impl.h"

#define SIZE_LIMIT (INT64_MAX - (int64_t)PAGE_SIZE)
#define KEEP_SIZE  0x01 /* FALLOC_FL_* */
#define PUNCH_HOLE 0x02
#define ZERO_RANGE 0x10

static struct tmpfs_page *find_ref(struct tmpfs_node *n, uint64_t index)
{
	struct tmpfs_page *tp;

	mutex_enter(&n->tn_pages_lock);
	tp = tmpfs_page_find(n, index);
	if (tp)
		__atomic_add_fetch(&tp->tp_refs, 1, __ATOMIC_RELAXED);
	mutex_exit(&n->tn_pages_lock);
	return tp;
}

/* At most len bytes from the lower file, straight to the reader. */
static int read_lower(struct tmpfs_node *n, struct uio *uio, size_t len)
{
	size_t rest = uio->uio_resid - len;
	int error;

	uio->uio_resid = len;
	error = n->tn_lower->v_op->vop_read(n->tn_lower, uio);
	if (!error && uio->uio_resid > 0)
		error = EIO;
	uio->uio_resid += rest;
	return error;
}

static int read_some(struct tmpfs_node *n, struct uio *uio, size_t len)
{
	int64_t off = uio->uio_offset, below = n->tn_lowersize - off;
	size_t in_page = (size_t)off & PAGE_MASK;
	struct tmpfs_page *tp;
	int error;

	if (n->tn_npages == 0 && below > 0)
		return read_lower(n, uio, KMIN(len, (size_t)below));
	len = KMIN(len, PAGE_SIZE - in_page);
	tp = find_ref(n, (uint64_t)off >> PAGE_SHIFT);
	if (tp) {
		error = uiomove((char *)page_va(tp->tp_pa) + in_page, len, uio);
		tmpfs_page_rele(tp);
		return error;
	}
	return below > 0 ? read_lower(n, uio, KMIN(len, (size_t)below)) : uiozero(len, uio);
}

static void accessed(struct tmpfs_node *n)
{
	if (n->tn_atime <= n->tn_mtime) /* as relatime */
		n->tn_atime = (int64_t)nanotime();
}

static int tmpfs_read(struct vnode *vp, struct uio *uio)
{
	struct tmpfs_node *n = VTON(vp);
	int error = 0;

	while (!error && uio->uio_resid > 0 && uio->uio_offset < n->tn_size)
		error =
		    read_some(n, uio, KMIN(uio->uio_resid, (size_t)(n->tn_size - uio->uio_offset)));
	accessed(n);
	return error;
}

/* The file's last page ends in zeroes, whatever a mapping has left there.  tn_pages_lock held. */
static void zero_tail(struct tmpfs_node *n, int64_t size)
{
	size_t in_page = (size_t)size & PAGE_MASK;
	struct tmpfs_page *tp = in_page ? tmpfs_page_find(n, (uint64_t)size >> PAGE_SHIFT) : NULL;

	if (tp)
		memset((char *)page_va(tp->tp_pa) + in_page, 0, PAGE_SIZE - in_page);
}

/* A write broke off: what it has left of tp behind the file's end must not show when it grows. */
static void zero_behind(struct tmpfs_node *n, struct tmpfs_page *tp, int64_t page_start)
{
	int64_t in_page = KMAX(n->tn_size - page_start, 0);

	if (in_page < (int64_t)PAGE_SIZE)
		memset((char *)page_va(tp->tp_pa) + in_page, 0, PAGE_SIZE - (size_t)in_page);
}

static int tmpfs_write(struct vnode *vp, struct uio *uio)
{
	struct tmpfs_node *n = VTON(vp);
	struct tmpfs_page *tp;
	int error = 0;

	if (uio->uio_resid > 0 &&
	    uio->uio_offset > SIZE_LIMIT - (int64_t)KMIN(uio->uio_resid, (size_t)SIZE_LIMIT))
		return EFBIG;
	if (uio->uio_resid > 0 && uio->uio_offset > n->tn_size) {
		mutex_enter(&n->tn_pages_lock);
		zero_tail(n, n->tn_size);
		mutex_exit(&n->tn_pages_lock);
	}
	while (!error && uio->uio_resid > 0) {
		size_t in_page = (size_t)uio->uio_offset & PAGE_MASK;
		int64_t page_start = uio->uio_offset - (int64_t)in_page;

		mutex_enter(&n->tn_pages_lock);
		error = tmpfs_page_make(n, (uint64_t)uio->uio_offset >> PAGE_SHIFT, &tp);
		if (!error)
			__atomic_add_fetch(&tp->tp_refs, 1, __ATOMIC_RELAXED);
		mutex_exit(&n->tn_pages_lock);
		if (error)
			break;
		error = uiomove((char *)page_va(tp->tp_pa) + in_page, PAGE_SIZE - in_page, uio);
		if (uio->uio_offset > n->tn_size)
			n->tn_size = uio->uio_offset;
		if (error)
			zero_behind(n, tp, page_start);
		tmpfs_page_rele(tp);
	}
	tmpfs_changed(n);
	return error;
}

int tmpfs_truncate(struct tmpfs_node *n, int64_t size)
{
	if (size < 0 || n->tn_vnode.v_kind != S_IFREG)
		return EINVAL;
	if (size > SIZE_LIMIT)
		return EFBIG;
	mutex_enter(&n->tn_pages_lock);
	zero_tail(n, KMIN(size, n->tn_size));
	if (size < n->tn_size) {
		n->tn_lowersize = KMIN(n->tn_lowersize, size);
		tmpfs_pages_cut(n, round_page(size) >> PAGE_SHIFT, UINT64_MAX);
	}
	n->tn_size = size;
	mutex_exit(&n->tn_pages_lock);
	tmpfs_changed(n);
	return 0;
}

/* Zeroes from off to end, both within the file; whole pages become holes.  tn_pages_lock held. */
static int punch(struct tmpfs_node *n, int64_t off, int64_t end)
{
	struct tmpfs_page *tp;

	while (off < end) {
		size_t in_page = (size_t)off & PAGE_MASK;
		size_t len = (size_t)KMIN(end - off, (int64_t)(PAGE_SIZE - in_page));
		uint64_t index = (uint64_t)off >> PAGE_SHIFT;

		if (off >= n->tn_lowersize && len == PAGE_SIZE) {
			len = (size_t)(end - off) & ~PAGE_MASK;
			tmpfs_pages_cut(n, index, index + (len >> PAGE_SHIFT));
		} else if (off < n->tn_lowersize || tmpfs_page_find(n, index)) {
			int error = tmpfs_page_make(n, index, &tp);
			if (error)
				return error;
			memset((char *)page_va(tp->tp_pa) + in_page, 0, len);
		}
		off += (int64_t)len;
	}
	return 0;
}

static int tmpfs_allocate(struct vnode *vp, int mode, int64_t off, int64_t len)
{
	struct tmpfs_node *n = VTON(vp);
	int64_t end = off + len; /* the caller has checked it */
	bool zero = mode & (PUNCH_HOLE | ZERO_RANGE);
	struct tmpfs_page *tp;
	int error = 0;

	if (mode & ~(KEEP_SIZE | PUNCH_HOLE | ZERO_RANGE) ||
	    (mode & PUNCH_HOLE && mode != (PUNCH_HOLE | KEEP_SIZE)))
		return EOPNOTSUPP;
	if (end > SIZE_LIMIT)
		return EFBIG;
	mutex_enter(&n->tn_pages_lock);
	if (zero)
		error = punch(n, KMIN(off, n->tn_size), KMIN(end, n->tn_size));
	else if ((uint64_t)len >> PAGE_SHIFT > tmpfs_limit)
		error = ENOSPC;
	else
		for (int64_t at = off; at < end && !error; at = (at | (int64_t)PAGE_MASK) + 1)
			error = tmpfs_page_make(n, (uint64_t)at >> PAGE_SHIFT, &tp);
	if (!error && !(mode & KEEP_SIZE) && end > n->tn_size) {
		zero_tail(n, n->tn_size);
		n->tn_size = end;
	}
	mutex_exit(&n->tn_pages_lock);
	tmpfs_changed(n);
	return error;
}

/* What nobody has changed and nobody will change through this mapping is mapped where it lies. */
static int tmpfs_object(struct vnode *vp, bool shared_write, struct vm_object **objp)
{
	struct tmpfs_node *n = VTON(vp);
	struct vnode *lower = n->tn_lower;
	bool untouched;

	mutex_enter(&n->tn_pages_lock);
	untouched = n->tn_npages == 0 && n->tn_size == n->tn_lowersize;
	mutex_exit(&n->tn_pages_lock);
	if (shared_write || !untouched || !lower || !lower->v_op->vop_getpage)
		lower = vp;
	vref(lower);
	accessed(n);
	*objp = &lower->v_object;
	return 0;
}

static int tmpfs_peek(struct vnode *vp, int64_t off, size_t len, struct file_extent *ext)
{
	struct tmpfs_node *n = VTON(vp);
	size_t in_page = (size_t)off & PAGE_MASK;
	int64_t below = n->tn_lowersize - off;
	struct tmpfs_page *tp;

	*ext = (struct file_extent){0};
	if (off >= n->tn_size)
		return 0;
	len = KMIN(len, (size_t)(n->tn_size - off));
	if (n->tn_npages > 0 || below <= 0) {
		len = KMIN(len, PAGE_SIZE - in_page);
		tp = find_ref(n, (uint64_t)off >> PAGE_SHIFT);
		if (tp) {
			*ext = (struct file_extent){
			    (char *)page_va(tp->tp_pa) + in_page, len, tmpfs_page_rele, tp};
			return 0;
		}
	}
	if (below <= 0 || !n->tn_lower->v_op->vop_peek)
		return EOPNOTSUPP;
	return n->tn_lower->v_op->vop_peek(n->tn_lower, off, KMIN(len, (size_t)below), ext);
}

const struct vnodeops tmpfs_fileops = {
    .vop_getattr = tmpfs_getattr,
    .vop_setattr = tmpfs_setattr,
    .vop_read = tmpfs_read,
    .vop_write = tmpfs_write,
    .vop_allocate = tmpfs_allocate,
    .vop_getpage = tmpfs_getpage,
    .vop_putpage = tmpfs_putpage,
    .vop_object = tmpfs_object,
    .vop_peek = tmpfs_peek,
    .vop_reclaim = tmpfs_reclaim,
};
