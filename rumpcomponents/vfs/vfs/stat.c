/* SPDX-License-Identifier: BSD-2-Clause */
/* stat(2) and its kin. */
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <kern/sysproto.h>
#include "vfs_impl.h"

int vfs_stat(struct vnode *vp, struct stat *st)
{
	int error;

	memset(st, 0, sizeof(*st));
	error = vp->v_op->vop_getattr(vp, st);
	st->st_dev = vp->v_mount ? vp->v_mount->mnt_dev : 0;
	return error;
}

static int fd_stat(int fd, struct stat *st)
{
	struct file *fp;
	int error = fd_getfile(fd, &fp);

	if (error)
		return error;
	memset(st, 0, sizeof(*st));
	st->st_mode = 0600;
	st->st_nlink = 1;
	st->st_blksize = PAGE_SIZE;
	if (fp->f_ops->fo_stat)
		error = fp->f_ops->fo_stat(fp, st);
	fd_putfile(fp);
	return error;
}

static int path_stat(int dirfd, const char *upath, int flags, struct stat *st)
{
	struct vnode *vp;
	char first;
	int error;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT |
			0x6000 /* AT_STATX_SYNC_TYPE */))
		return EINVAL;
	/* Any descriptor will do for an empty path, not only those of vnodes. */
	if (flags & AT_EMPTY_PATH && dirfd != AT_FDCWD) {
		error = upath ? copyin(upath, &first, 1) : 0;
		if (error)
			return error;
		if (!upath || first == '\0')
			return fd_stat(dirfd, st);
	}
	error = vfs_lookup_user(dirfd, upath,
	    (flags & AT_SYMLINK_NOFOLLOW ? 0 : NI_FOLLOW) | (flags & AT_EMPTY_PATH ? NI_EMPTY : 0),
	    &vp);
	if (error)
		return error;
	error = vfs_stat(vp, st);
	vrele(vp);
	return error;
}

long do_sys_newfstatat(int dirfd, const char *path, struct stat *ust, int flags)
{
	struct stat st;
	int error = path_stat(dirfd, path, flags, &st);

	return sysret(error ? error : copyout(&st, ust, sizeof(st)), 0);
}

long do_sys_stat(const char *path, struct stat *st)
{
	return do_sys_newfstatat(AT_FDCWD, path, st, 0);
}

long do_sys_lstat(const char *path, struct stat *st)
{
	return do_sys_newfstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

long do_sys_fstat(int fd, struct stat *ust)
{
	struct stat st;
	int error = fd_stat(fd, &st);

	return sysret(error ? error : copyout(&st, ust, sizeof(st)), 0);
}

/* Linux's struct statx; not every libc has it. */
struct kstatx_time {
	int64_t sec;
	uint32_t nsec;
	int32_t pad;
};
struct kstatx {
	uint32_t stx_mask, stx_blksize;
	uint64_t stx_attributes;
	uint32_t stx_nlink, stx_uid, stx_gid;
	uint16_t stx_mode, stx_pad1;
	uint64_t stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	struct kstatx_time stx_atime, stx_btime, stx_ctime, stx_mtime;
	uint32_t stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
	uint64_t stx_pad2[14];
};
_Static_assert(sizeof(struct kstatx) == 256, "Linux's");

static struct kstatx_time statx_time(const struct timespec *ts)
{
	return (struct kstatx_time){.sec = ts->tv_sec, .nsec = (uint32_t)ts->tv_nsec};
}

long do_sys_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *ustx)
{
	struct stat st;
	struct kstatx stx;
	int error = mask & 0x80000000U ? EINVAL : path_stat(dirfd, path, flags, &st);

	if (error)
		return sysret(error, 0);
	memset(&stx, 0, sizeof(stx));
	stx.stx_mask = 0x7ff; /* STATX_BASIC_STATS */
	stx.stx_blksize = (uint32_t)st.st_blksize;
	stx.stx_nlink = (uint32_t)st.st_nlink;
	stx.stx_uid = st.st_uid;
	stx.stx_gid = st.st_gid;
	stx.stx_mode = (uint16_t)st.st_mode;
	stx.stx_ino = st.st_ino;
	stx.stx_size = (uint64_t)st.st_size;
	stx.stx_blocks = (uint64_t)st.st_blocks;
	stx.stx_atime = statx_time(&st.st_atim);
	stx.stx_mtime = statx_time(&st.st_mtim);
	stx.stx_ctime = statx_time(&st.st_ctim);
	stx.stx_rdev_major = major(st.st_rdev);
	stx.stx_rdev_minor = minor(st.st_rdev);
	stx.stx_dev_major = major(st.st_dev);
	stx.stx_dev_minor = minor(st.st_dev);
	return sysret(copyout(&stx, ustx, sizeof(stx)), 0);
}
