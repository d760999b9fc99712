/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks as files: block device nodes, as Linux has them.
 *
 * An open disk is a file of a vnode, so that fsync and its kin find it.  That vnode is not the node
 * in /dev (which may lose its name) but one for each open file, on a mount of its own:
 * no file system takes it for one of its nodes.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <unistd.h>
#include <kern/file.h>
#include <kern/kmem.h>
#include <vfs/device.h>
#include <vfs/mount.h>
#include <vfs/vnode.h>
#include "disk_impl.h"

struct disk_file {
	struct vnode df_vnode;
	struct vnode *df_node; /* what was opened */
	struct disk *df_disk;
};

static struct mount disk_mount = {.mnt_nocache = true};
static POOL_DEFINE(disk_file_pool, sizeof(struct disk_file), "disk_file");

static struct disk_file *VTODF(struct vnode *vp)
{
	return container_of(vp, struct disk_file, df_vnode);
}

static struct disk *file_disk(struct file *fp)
{
	return VTODF(fp->f_data)->df_disk;
}

/* ------------------------------------------------------------------ vnode */

static int disk_getattr(struct vnode *vp, struct stat *st)
{
	struct vnode *node = VTODF(vp)->df_node;

	return node->v_op->vop_getattr(node, st);
}

static int disk_setattr(struct vnode *vp, const struct vattr *va)
{
	struct vnode *node = VTODF(vp)->df_node;
	int error = EROFS;

	rw_enter(&node->v_lock, RW_WRITER);
	if (node->v_op->vop_setattr)
		error = node->v_op->vop_setattr(node, va);
	rw_exit(&node->v_lock);
	return error;
}

static int disk_fsync(struct vnode *vp)
{
	return disk_flush(VTODF(vp)->df_disk);
}

static void disk_reclaim(struct vnode *vp)
{
	vrele(VTODF(vp)->df_node);
	pool_put(&disk_file_pool, VTODF(vp));
}

static const struct vnodeops disk_vnodeops = {
    .vop_getattr = disk_getattr,
    .vop_setattr = disk_setattr,
    .vop_sync = disk_fsync,
    .vop_reclaim = disk_reclaim,
};

/* ------------------------------------------------------------------ file */

/* Within the disk; at its end a read finds nothing and a write no space. */
static int transfer(struct file *fp, enum buf_op op, int64_t *pos, struct uio *uio)
{
	struct disk *dk = file_disk(fp);
	uint64_t size = disk_size(dk);
	size_t cut = 0, want;
	int error;

	if (uio->uio_resid == 0)
		return 0;
	if ((uint64_t)*pos >= size)
		return op == BUF_READ ? 0 : ENOSPC;
	if (uio->uio_resid > size - (uint64_t)*pos)
		cut = uio->uio_resid - (size_t)(size - (uint64_t)*pos);
	uio->uio_resid -= cut;
	want = uio->uio_resid;
	error = disk_physio(dk, op, pos, uio);
	if (uio->uio_resid < want)
		error = 0; /* what has been moved counts */
	uio->uio_resid += cut;
	return error;
}

static int disk_read(struct file *fp, int64_t *pos, struct uio *uio)
{
	return transfer(fp, BUF_READ, pos, uio);
}

static int disk_write(struct file *fp, int64_t *pos, struct uio *uio)
{
	struct disk *dk = file_disk(fp);
	size_t want = uio->uio_resid;
	int error;

	if (dk->dk_readonly)
		return EPERM;
	if (fp->f_flags & O_APPEND && want > 0)
		*pos = (int64_t)disk_size(dk);
	error = transfer(fp, BUF_WRITE, pos, uio);
	if (!error && fp->f_flags & O_DSYNC && uio->uio_resid < want)
		error = disk_flush(dk);
	return error;
}

static int disk_seek(struct file *fp, int64_t delta, int whence, int64_t *newoff)
{
	int64_t size = (int64_t)disk_size(file_disk(fp)), to = delta;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
	case SEEK_END:
		if (__builtin_add_overflow(whence == SEEK_CUR ? fp->f_offset : size, delta, &to))
			return EOVERFLOW;
		break;
	case SEEK_DATA: /* all is data */
	case SEEK_HOLE:
		if (delta < 0 || delta >= size)
			return ENXIO;
		to = whence == SEEK_DATA ? delta : size;
		break;
	default:
		return EINVAL;
	}
	if (to < 0 || to > size)
		return EINVAL;
	fp->f_offset = *newoff = to;
	return 0;
}

static int disk_stat(struct file *fp, struct stat *st)
{
	struct vnode *vp = fp->f_data;

	st->st_dev = VTODF(vp)->df_node->v_mount->mnt_dev;
	return disk_getattr(vp, st);
}

static int ioctl_discard(struct file *fp, void *data)
{
	struct disk *dk = file_disk(fp);
	uint64_t range[2], end;
	int error;

	if ((fp->f_flags & O_ACCMODE) == O_RDONLY)
		return EBADF;
	if (dk->dk_readonly)
		return EPERM;
	error = copyin(data, range, sizeof(range));
	if (error)
		return error;
	if ((range[0] | range[1]) & (dk->dk_secsize - 1) ||
	    __builtin_add_overflow(range[0], range[1], &end) || end > disk_size(dk))
		return EINVAL;
	return disk_discard(dk, range[0] >> DEV_BSHIFT, range[1] >> DEV_BSHIFT);
}

static int disk_ioctl(struct file *fp, unsigned long cmd, void *data)
{
	struct disk *dk = file_disk(fp);
	uint64_t value;
	size_t len = sizeof(int);

	switch (cmd) {
	case BLKGETSIZE64:
		value = disk_size(dk);
		len = sizeof(uint64_t);
		break;
	case BLKGETSIZE:
		value = disk_size(dk) >> DEV_BSHIFT;
		len = sizeof(unsigned long);
		break;
	case BLKSSZGET:
	case BLKPBSZGET:
		value = dk->dk_secsize;
		break;
	case BLKBSZGET:
		value = PAGE_SIZE;
		break;
	case BLKROGET:
		value = dk->dk_readonly;
		break;
	case BLKFLSBUF:
		return disk_flush(dk);
	case BLKDISCARD:
		return ioctl_discard(fp, data);
	default:
		return ENOTTY;
	}
	return copyout(&value, data, len); /* little-endian */
}

static void disk_close(struct file *fp)
{
	vrele(fp->f_data);
}

static const struct fileops disk_fileops = {
    .fo_read = disk_read,
    .fo_write = disk_write,
    .fo_ioctl = disk_ioctl,
    .fo_stat = disk_stat,
    .fo_seek = disk_seek,
    .fo_close = disk_close,
};

int disk_open(struct vnode *vp, uint64_t rdev, int flags, struct file **fpp)
{
	struct disk_file *df;
	struct disk *dk;
	int error;

	STAILQ_FOREACH (dk, &disk_list, dk_list)
		if (dk->dk_rdev == rdev)
			break;
	if (!dk)
		return ENXIO;
	df = pool_get(&disk_file_pool);
	if (!df)
		return ENOMEM;
	vnode_init(&df->df_vnode, &disk_vnodeops, &disk_mount, S_IFBLK);
	df->df_node = vp;
	df->df_disk = dk;
	error = file_alloc(&disk_fileops, DTYPE_VNODE, flags, &df->df_vnode, fpp);
	if (error)
		pool_put(&disk_file_pool, df);
	else
		vref(vp);
	return error;
}

/* For all numbers: names are made as disks are found. */
static const struct vfs_device disk_device = {.vd_mode = S_IFBLK, .vd_open = disk_open};
VFS_DEVICE(disk_device);
