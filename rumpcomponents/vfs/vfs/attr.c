/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing attributes: chmod, chown, utimes, truncate. */
#include <fcntl.h>
#include <sys/time.h>
#include <utime.h>
#include <kern/ktime.h>
#include <kern/sysproto.h>
#include "vfs_impl.h"

int vfs_setattr(struct vnode *vp, const struct vattr *va)
{
	int error;

	if (!vp->v_op->vop_setattr)
		return EROFS;
	rw_enter(&vp->v_lock, RW_WRITER);
	error = vp->v_op->vop_setattr(vp, va);
	rw_exit(&vp->v_lock);
	return error;
}

int vfs_truncate(struct vnode *vp, int64_t size)
{
	struct vattr va = {.va_mask = VA_SIZE, .va_size = size};

	if (size < 0)
		return EINVAL;
	if (vn_isdir(vp))
		return EISDIR;
	return vp->v_kind == S_IFREG ? vfs_setattr(vp, &va) : EINVAL;
}

static long set_path(int dirfd, const char *path, unsigned ni, const struct vattr *va)
{
	struct vnode *vp;
	int error = vfs_lookup_user(dirfd, path, ni, &vp);

	if (error)
		return sysret(error, 0);
	error = vfs_setattr(vp, va);
	vrele(vp);
	return sysret(error, 0);
}

static long set_fd(int fd, const struct vattr *va)
{
	struct file *fp;
	int error = fd_getfile(fd, &fp);

	if (error)
		return sysret(error, 0);
	if (fp->f_flags & O_PATH)
		error = EBADF;
	else if (file_vnode(fp))
		error = vfs_setattr(file_vnode(fp), va);
	fd_putfile(fp); /* pipes, sockets, the console: nothing to change, no complaint */
	return sysret(error, 0);
}

static struct vattr mode_attr(mode_t mode)
{
	return (struct vattr){.va_mask = VA_MODE, .va_mode = mode & 07777};
}

static struct vattr owner_attr(uid_t uid, gid_t gid)
{
	return (struct vattr){
	    .va_mask = (uid != (uid_t)-1 ? VA_UID : 0) | (gid != (gid_t)-1 ? VA_GID : 0),
	    .va_uid = uid,
	    .va_gid = gid};
}

long do_sys_fchmodat(int dirfd, const char *path, mode_t mode)
{
	struct vattr va = mode_attr(mode);

	return set_path(dirfd, path, NI_FOLLOW, &va);
}

long do_sys_chmod(const char *path, mode_t mode)
{
	return do_sys_fchmodat(AT_FDCWD, path, mode);
}

long do_sys_fchmod(int fd, mode_t mode)
{
	struct vattr va = mode_attr(mode);

	return set_fd(fd, &va);
}

long do_sys_fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags)
{
	struct vattr va = owner_attr(uid, gid);

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return sysret(EINVAL, 0);
	return set_path(dirfd, path,
	    (flags & AT_SYMLINK_NOFOLLOW ? 0 : NI_FOLLOW) | (flags & AT_EMPTY_PATH ? NI_EMPTY : 0),
	    &va);
}

long do_sys_chown(const char *path, uid_t uid, gid_t gid)
{
	return do_sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

long do_sys_lchown(const char *path, uid_t uid, gid_t gid)
{
	return do_sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long do_sys_fchown(int fd, uid_t uid, gid_t gid)
{
	struct vattr va = owner_attr(uid, gid);

	return set_fd(fd, &va);
}

static int time_in(const struct timespec *ts, unsigned bit, int64_t *out, unsigned *mask)
{
	if (ts->tv_nsec == UTIME_OMIT)
		return 0;
	*mask |= bit;
	if (ts->tv_nsec == UTIME_NOW) {
		*out = (int64_t)nanotime();
		return 0;
	}
	if (ts->tv_nsec < 0 || ts->tv_nsec >= 1000000000)
		return EINVAL;
	/* What 64 bits of nanoseconds do not hold, 1677 to 2262, is cut off. */
	*out = KMAX(KMIN(ts->tv_sec, INT64_MAX / 1000000000 - 1), INT64_MIN / 1000000000 + 1) *
		   1000000000 +
	       ts->tv_nsec;
	return 0;
}

static long set_times(int dirfd, const char *path, const struct timespec ts[2], unsigned ni)
{
	struct vattr va = {0};
	int error = time_in(&ts[0], VA_ATIME, &va.va_atime, &va.va_mask);

	if (!error)
		error = time_in(&ts[1], VA_MTIME, &va.va_mtime, &va.va_mask);
	if (error)
		return sysret(error, 0);
	return path ? set_path(dirfd, path, ni, &va) : set_fd(dirfd, &va);
}

long do_sys_utimensat(int dirfd, const char *path, const struct timespec *times, int flags)
{
	struct timespec ts[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	int error = times ? copyin(times, ts, sizeof(ts)) : 0;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		error = EINVAL;
	if (error)
		return sysret(error, 0);
	return set_times(dirfd, path, ts,
	    (flags & AT_SYMLINK_NOFOLLOW ? 0 : NI_FOLLOW) | (flags & AT_EMPTY_PATH ? NI_EMPTY : 0));
}

long do_sys_futimesat(int dirfd, const char *path, const struct timeval *times)
{
	struct timespec ts[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	struct timeval tv[2];
	int error = times ? copyin(times, tv, sizeof(tv)) : 0;

	for (int i = 0; times && !error && i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
			error = EINVAL;
		ts[i] = (struct timespec){tv[i].tv_sec, tv[i].tv_usec * 1000};
	}
	return error ? sysret(error, 0) : set_times(dirfd, path, ts, NI_FOLLOW);
}

long do_sys_utimes(const char *path, const struct timeval *times)
{
	return do_sys_futimesat(AT_FDCWD, path, times);
}

long do_sys_utime(const char *path, const struct utimbuf *times)
{
	struct timespec ts[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	struct utimbuf ut;
	int error = times ? copyin(times, &ut, sizeof(ut)) : 0;

	if (error)
		return sysret(error, 0);
	if (times) {
		ts[0] = (struct timespec){ut.actime, 0};
		ts[1] = (struct timespec){ut.modtime, 0};
	}
	return set_times(AT_FDCWD, path, ts, NI_FOLLOW);
}

long do_sys_truncate(const char *path, off_t size)
{
	struct vnode *vp;
	int error = vfs_lookup_user(AT_FDCWD, path, NI_FOLLOW, &vp);

	if (error)
		return sysret(error, 0);
	error = vfs_truncate(vp, size);
	vrele(vp);
	return sysret(error, 0);
}

long do_sys_ftruncate(int fd, off_t size)
{
	struct file *fp;
	int error = fd_getfile(fd, &fp);

	if (error)
		return sysret(error, 0);
	if (size < 0 || (fp->f_flags & O_ACCMODE) == O_RDONLY || !fp->f_ops->fo_truncate)
		error = EINVAL;
	else
		error = fp->f_ops->fo_truncate(fp, size);
	fd_putfile(fp);
	return sysret(error, 0);
}
