/* SPDX-License-Identifier: BSD-2-Clause */
/* Open files whose f_data is a vnode. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <kern/kmem.h>
#include "vfs_impl.h"

static int vn_read(struct file *fp, int64_t *offset, struct uio *uio)
{
	struct vnode *vp = fp->f_data;
	size_t want = uio->uio_resid;
	int error;

	if (!vp->v_op->vop_read)
		return vn_isdir(vp) ? EISDIR : EINVAL;
	uio->uio_offset = *offset;
	rw_enter(&vp->v_lock, RW_READER);
	error = vp->v_op->vop_read(vp, uio);
	rw_exit(&vp->v_lock);
	*offset = uio->uio_offset;
	/* What came before a bad address has been moved, and counts. */
	return error == EFAULT && uio->uio_resid < want ? 0 : error;
}

static int vn_write(struct file *fp, int64_t *offset, struct uio *uio)
{
	struct vnode *vp = fp->f_data;
	size_t want = uio->uio_resid;
	struct stat st;
	int error = 0;

	if (!vp->v_op->vop_write)
		return EINVAL;
	if (want == 0)
		return 0; /* neither times nor, with O_APPEND, the offset change */
	uio->uio_offset = *offset;
	rw_enter(&vp->v_lock, RW_WRITER);
	if (fp->f_flags & O_APPEND) {
		error = vfs_stat(vp, &st);
		uio->uio_offset = st.st_size;
	}
	if (!error && (uint64_t)uio->uio_offset + uio->uio_resid > INT64_MAX)
		error = EFBIG;
	if (!error)
		error = vp->v_op->vop_write(vp, uio);
	rw_exit(&vp->v_lock);
	if (error == 0 || uio->uio_resid < want)
		*offset = uio->uio_offset;
	return error == EFAULT && uio->uio_resid < want ? 0 : error;
}

static int vn_seek(struct file *fp, int64_t delta, int whence, int64_t *newoff)
{
	struct stat st;
	int64_t to = 0;
	int error = 0;

	if (whence != SEEK_SET && whence != SEEK_CUR)
		error = vfs_stat(fp->f_data, &st);
	if (error)
		return error;
	switch (whence) {
	case SEEK_SET:
		to = delta;
		break;
	case SEEK_CUR:
	case SEEK_END:
		if (__builtin_add_overflow(
			whence == SEEK_CUR ? fp->f_offset : st.st_size, delta, &to))
			return EOVERFLOW;
		break;
	case SEEK_DATA: /* all is data up to the end */
	case SEEK_HOLE:
		if (delta < 0 || delta >= st.st_size)
			return ENXIO;
		to = whence == SEEK_DATA ? delta : st.st_size;
		break;
	default:
		return EINVAL;
	}
	if (to < 0)
		return EINVAL;
	fp->f_offset = *newoff = to;
	return 0;
}

static int vn_ioctl(struct file *fp, unsigned long cmd, void *data)
{
	struct stat st;
	int n, error;

	if (cmd != FIONREAD || ((struct vnode *)fp->f_data)->v_kind != S_IFREG)
		return ENOTTY;
	error = vfs_stat(fp->f_data, &st);
	if (error)
		return error;
	n = (int)KMIN(KMAX(st.st_size - fp->f_offset, 0), INT32_MAX);
	return copyout(&n, data, sizeof(n));
}

static int vn_stat(struct file *fp, struct stat *st)
{
	return vfs_stat(fp->f_data, st);
}

static int vn_truncate(struct file *fp, int64_t size)
{
	return vfs_truncate(fp->f_data, size);
}

static int vn_mmap(
    struct file *fp, uint64_t off, size_t len, int prot, int flags, struct vm_object **objp)
{
	struct vnode *vp = fp->f_data;
	bool shared_write =
	    (flags & 0x0f) != 2 /* MAP_PRIVATE */ && (fp->f_flags & O_ACCMODE) == O_RDWR;

	if (!vp->v_op->vop_getpage || vp->v_kind != S_IFREG)
		return ENODEV;
	if (vp->v_op->vop_object)
		return vp->v_op->vop_object(vp, shared_write, objp);
	vref(vp);
	*objp = &vp->v_object;
	return 0;
}

static void free_page(void *page)
{
	kmem_free(page, PAGE_SIZE);
}

/* A copy, for what the file system cannot show in place. */
static int peek_copy(struct vnode *vp, int64_t off, size_t len, struct file_extent *ext)
{
	struct iovec iov;
	struct uio uio;
	char *page = kmem_alloc(PAGE_SIZE);
	int error;

	if (!page)
		return ENOMEM;
	uio_init1(&uio, &iov, page, KMIN(len, PAGE_SIZE), UIO_READ, UIO_SYSSPACE);
	len = uio.uio_resid;
	uio.uio_offset = off;
	error = vp->v_op->vop_read ? vp->v_op->vop_read(vp, &uio) : EINVAL;
	*ext = (struct file_extent){page, len - uio.uio_resid, free_page, page};
	if (error || ext->fe_len == 0) {
		free_page(page);
		ext->fe_len = 0;
	}
	return error;
}

static int vn_peek(struct file *fp, int64_t off, size_t len, struct file_extent *ext)
{
	struct vnode *vp = fp->f_data;
	int error = EOPNOTSUPP;

	rw_enter(&vp->v_lock, RW_READER);
	if (vp->v_op->vop_peek)
		error = vp->v_op->vop_peek(vp, off, len, ext);
	if (error == EOPNOTSUPP)
		error = peek_copy(vp, off, len, ext);
	rw_exit(&vp->v_lock);
	return error;
}

static void vn_close(struct file *fp)
{
	vrele(fp->f_data);
}

const struct fileops vn_fileops = {
    .fo_read = vn_read,
    .fo_write = vn_write,
    .fo_seek = vn_seek,
    .fo_ioctl = vn_ioctl,
    .fo_stat = vn_stat,
    .fo_truncate = vn_truncate,
    .fo_mmap = vn_mmap,
    .fo_peek = vn_peek,
    .fo_close = vn_close,
};

int vfs_file(struct vnode *vp, int flags, struct file **fpp)
{
	return file_alloc(&vn_fileops, DTYPE_VNODE, flags, vp, fpp);
}

struct vnode *file_vnode(struct file *fp)
{
	return fp->f_type == DTYPE_VNODE ? fp->f_data : NULL;
}

int vfs_fdvnode(int fd, int error, struct vnode **vpp)
{
	struct file *fp;

	error = fd_gettype(fd, DTYPE_VNODE, error, &fp);
	if (error)
		return error;
	*vpp = fp->f_data;
	vref(*vpp);
	fd_putfile(fp);
	return 0;
}
