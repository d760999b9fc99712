/* SPDX-License-Identifier: BSD-2-Clause */
/* null, zero, full, random, urandom; console and tty. */
#include <kern/console.h>
#include <kern/random.h>
#include "devfs_impl.h"

static int null_read(struct file *fp, int64_t *offset, struct uio *uio)
{
	return 0;
}

static int zero_read(struct file *fp, int64_t *offset, struct uio *uio)
{
	return uiozero(uio->uio_resid, uio);
}

static int random_read(struct file *fp, int64_t *offset, struct uio *uio)
{
	uint8_t buf[128];
	int error = 0;

	while (!error && uio->uio_resid > 0) {
		size_t n = KMIN(uio->uio_resid, sizeof(buf));
		random_bytes(buf, n);
		error = uiomove(buf, n, uio);
	}
	memset(buf, 0, sizeof(buf));
	__asm__ volatile("" : : "r"(buf) : "memory");
	return error;
}

static int null_write(struct file *fp, int64_t *offset, struct uio *uio)
{
	uio->uio_resid = 0;
	return 0;
}

static int full_write(struct file *fp, int64_t *offset, struct uio *uio)
{
	return uio->uio_resid > 0 ? ENOSPC : 0;
}

/* What the program stirs in counts for nothing, but cannot harm. */
static int random_write(struct file *fp, int64_t *offset, struct uio *uio)
{
	uint8_t buf[128];
	int error = 0;

	while (!error && uio->uio_resid > 0) {
		size_t n = KMIN(uio->uio_resid, sizeof(buf));
		error = uiomove(buf, n, uio);
		if (!error)
			random_add(buf, n, 0);
	}
	return error;
}

static int dev_seek(struct file *fp, int64_t delta, int whence, int64_t *newoff)
{
	*newoff = 0;
	return 0;
}

static int dev_stat(struct file *fp, struct stat *st)
{
	struct vnode *vp = fp->f_data;

	st->st_dev = vp->v_mount->mnt_dev;
	return vp->v_op->vop_getattr(vp, st);
}

static int dev_truncate(struct file *fp, int64_t size)
{
	return EINVAL;
}

static void dev_close(struct file *fp)
{
	vrele(fp->f_data);
}

#define DEV_OPS(name, read, write)                                                                 \
	static const struct fileops name##_ops = {read, write, .fo_seek = dev_seek,                \
	    .fo_stat = dev_stat, .fo_truncate = dev_truncate, .fo_close = dev_close}
DEV_OPS(null, null_read, null_write);
DEV_OPS(zero, zero_read, null_write);
DEV_OPS(full, zero_read, full_write);
DEV_OPS(random, random_read, random_write);

static int dev_open(struct vnode *vp, const struct fileops *ops, int flags, struct file **fpp)
{
	int error = file_alloc(ops, DTYPE_MISC, flags, vp, fpp);

	if (!error)
		vref(vp);
	return error;
}

static int mem_open(struct vnode *vp, uint64_t rdev, int flags, struct file **fpp)
{
	switch (rdev) {
	case VFS_DEV(1, 3):
		return dev_open(vp, &null_ops, flags, fpp);
	case VFS_DEV(1, 5):
		return dev_open(vp, &zero_ops, flags, fpp);
	case VFS_DEV(1, 7):
		return dev_open(vp, &full_ops, flags, fpp);
	default:
		return dev_open(vp, &random_ops, flags, fpp);
	}
}

static int tty_open(struct vnode *vp, uint64_t rdev, int flags, struct file **fpp)
{
	return console_open(flags, fpp);
}

#define DEVICE(var, name, major, minor, open)                                                      \
	static const struct vfs_device dev_##var = {                                               \
	    name, VFS_DEV(major, minor), S_IFCHR | 0666, open};                                    \
	VFS_DEVICE(dev_##var)
DEVICE(null, "null", 1, 3, mem_open);
DEVICE(zero, "zero", 1, 5, mem_open);
DEVICE(full, "full", 1, 7, mem_open);
DEVICE(random, "random", 1, 8, mem_open);
DEVICE(urandom, "urandom", 1, 9, mem_open);
DEVICE(tty, "tty", 5, 0, tty_open);
DEVICE(console, "console", 5, 1, tty_open);
