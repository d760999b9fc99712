/* SPDX-License-Identifier: BSD-2-Clause */
/* File contents, where they lie in the image. */
#include "erofs_impl.h"

const uint8_t *erofs_data(const struct erofs_node *n, uint64_t off, size_t *len)
{
	if (off < n->en_plain) {
		*len = KMIN(*len, n->en_plain - off);
		return n->en_data + off;
	}
	*len = KMIN(*len, n->en_size - off);
	return n->en_tail + (off - n->en_plain);
}

int erofs_read(struct vnode *vp, struct uio *uio)
{
	struct erofs_node *n = VTOE(vp);
	int error = 0;

	while (!error && uio->uio_resid > 0 && (uint64_t)uio->uio_offset < n->en_size) {
		size_t len = uio->uio_resid;
		const uint8_t *p = erofs_data(n, (uint64_t)uio->uio_offset, &len);
		error = uiomove((void *)(uintptr_t)p, len, uio);
	}
	return error;
}

int erofs_readlink(struct vnode *vp, char *buf, size_t *len)
{
	struct erofs_node *n = VTOE(vp);
	size_t done = 0, part;

	*len = KMIN(*len, n->en_size);
	for (; done < *len; done += part) {
		const uint8_t *p;
		part = *len - done;
		p = erofs_data(n, done, &part);
		memcpy(buf + done, p, part);
	}
	return 0;
}

int erofs_getpage(struct vnode *vp, uint64_t off, bool write, uint64_t *pa)
{
	struct erofs_node *n = VTOE(vp);
	struct erofs_image *ei = n->en_image;
	size_t done = 0, part;
	uint8_t *page;

	if (write)
		return EROFS;
	if (off >= n->en_size)
		return EFBIG;
	/* The image's own page, if it is one of this file's alone. */
	if (off + PAGE_SIZE <= n->en_plain && ei->ei_pa != EROFS_UNKNOWN_PA) {
		*pa = ei->ei_pa + (uint64_t)(n->en_data + off - ei->ei_base);
		if ((*pa & PAGE_MASK) == 0)
			return 0;
	}
	*pa = page_alloc(0);
	if (!*pa)
		return ENOMEM;
	page = page_va(*pa);
	for (; done < PAGE_SIZE && off + done < n->en_size; done += part) {
		const uint8_t *p;
		part = PAGE_SIZE - done;
		p = erofs_data(n, off + done, &part);
		memcpy(page + done, p, part);
	}
	memset(page + done, 0, PAGE_SIZE - done);
	return 0;
}

void erofs_putpage(struct vnode *vp, uint64_t off, uint64_t pa, bool dirty)
{
	struct erofs_image *ei = VTOE(vp)->en_image;

	if (ei->ei_pa == EROFS_UNKNOWN_PA || pa < ei->ei_pa || pa - ei->ei_pa >= ei->ei_size)
		page_free(pa, 0);
}

int erofs_peek(struct vnode *vp, int64_t off, size_t len, struct file_extent *ext)
{
	struct erofs_node *n = VTOE(vp);

	*ext = (struct file_extent){0};
	if ((uint64_t)off >= n->en_size)
		return 0;
	ext->fe_len = len;
	ext->fe_addr = erofs_data(n, (uint64_t)off, &ext->fe_len);
	return 0;
}
