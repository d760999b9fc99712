/* SPDX-License-Identifier: BSD-2-Clause */
/* fcntl(2), ioctl(2), lseek, close, dup. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <kern/sysproto.h>
#include "desc_impl.h"

#define SETFL_FLAGS (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

static int set_flags(struct file *fp, int set, int clear)
{
	uint32_t old = fp->f_flags, new;

	do
		new = (old & ~clear) | set;
	while (!__atomic_compare_exchange_n(
	    &fp->f_flags, &old, new, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return fp->f_ops->fo_setfl ? fp->f_ops->fo_setfl(fp, new) : 0;
}

static int dup_from(struct file *fp, long min, bool cloexec, long *result)
{
	int fd, error;

	if (min < 0 || min >= fd_limit)
		return EINVAL;
	file_ref(fp);
	error = fd_alloc(fp, (int)min, cloexec, &fd);
	if (error)
		file_rele(fp);
	else
		*result = fd;
	return error;
}

/* Record locks: one process holds them all, so every lock is granted and none is ever in the way.
 */
static int record_lock(int cmd, void *arg)
{
	struct flock lock;
	int error = copyin(arg, &lock, sizeof(lock));

	if (error)
		return error;
	if (lock.l_type != F_RDLCK && lock.l_type != F_WRLCK && lock.l_type != F_UNLCK)
		return EINVAL;
	if (cmd != F_GETLK)
		return 0;
	lock.l_type = F_UNLCK;
	return copyout(&lock, arg, sizeof(lock));
}

static int file_control(int fd, struct file *fp, int cmd, unsigned long arg, long *result)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return dup_from(fp, (int)arg, cmd == F_DUPFD_CLOEXEC, result);
	case F_GETFD:
		*result = fd_get_cloexec(fd) ? FD_CLOEXEC : 0;
		return 0;
	case F_SETFD:
		return fd_set_cloexec(fd, arg & FD_CLOEXEC);
	case F_GETFL:
		*result = fp->f_flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
		return 0;
	case F_SETFL:
		return fp->f_flags & O_PATH ? EBADF : set_flags(fp, arg & SETFL_FLAGS, SETFL_FLAGS);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
		return record_lock(cmd, (void *)arg);
	case F_GETOWN:
	case F_SETOWN:
		return 0;
	}
	return EINVAL;
}

long do_sys_fcntl(int fd, int cmd, unsigned long arg)
{
	struct file *fp;
	long result = 0;
	int error = fd_getfile(fd, &fp);

	if (error)
		return sysret(error, 0);
	error = file_control(fd, fp, cmd, arg, &result);
	fd_putfile(fp);
	return sysret(error, result);
}

static int io_control(int fd, struct file *fp, unsigned long cmd, void *arg)
{
	uint32_t on;
	int error;

	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		return fd_set_cloexec(fd, cmd == FIOCLEX);
	case FIONBIO:
		error = copyin(arg, &on, sizeof(on));
		return error ? error : set_flags(fp, on ? O_NONBLOCK : 0, O_NONBLOCK);
	}
	return fp->f_ops->fo_ioctl ? fp->f_ops->fo_ioctl(fp, cmd, arg) : ENOTTY;
}

long do_sys_ioctl(int fd, unsigned long cmd, void *arg)
{
	struct file *fp;
	int error = fd_getfile(fd, &fp);

	if (error)
		return sysret(error, 0);
	/* An unsigned int; libc's is signed, and extended. */
	error = fp->f_flags & O_PATH ? EBADF : io_control(fd, fp, (uint32_t)cmd, arg);
	fd_putfile(fp);
	return sysret(error, 0);
}

long do_sys_lseek(int fd, off_t delta, int whence)
{
	struct file *fp;
	int64_t now = 0;
	int error = fd_getfile(fd, &fp);

	if (error)
		return sysret(error, 0);
	if (fp->f_flags & O_PATH) {
		error = EBADF;
	} else if (!fp->f_ops->fo_seek) {
		error = ESPIPE;
	} else {
		mutex_enter(&fp->f_lock);
		error = fp->f_ops->fo_seek(fp, delta, whence, &now);
		mutex_exit(&fp->f_lock);
	}
	fd_putfile(fp);
	return sysret(error, now);
}

long do_sys_close(int fd)
{
	return sysret(fd_close(fd), 0);
}

long do_sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	if (flags & ~6U || first > last) /* CLOSE_RANGE_UNSHARE, CLOSE_RANGE_CLOEXEC */
		return sysret(EINVAL, 0);
	fd_close_range(first, last, flags & 4);
	return 0;
}

long do_sys_dup(int fd)
{
	struct file *fp;
	int new = 0, error = fd_getfile(fd, &fp);

	if (error)
		return sysret(error, 0);
	error = fd_alloc(fp, 0, false, &new);
	if (error)
		fd_putfile(fp);
	return sysret(error, new);
}

static long dup_to(int from, int to, bool cloexec)
{
	struct file *fp;
	int error = fd_getfile(from, &fp);

	if (error)
		return sysret(error, 0);
	error = fd_install_at(fp, to, cloexec);
	if (error)
		fd_putfile(fp);
	return sysret(error, to);
}

long do_sys_dup2(int from, int to)
{
	struct file *fp;

	if (from == to) {
		int error = fd_getfile(from, &fp);
		if (!error)
			fd_putfile(fp);
		return sysret(error, to);
	}
	return dup_to(from, to, false);
}

long do_sys_dup3(int from, int to, int flags)
{
	if (from == to || flags & ~O_CLOEXEC)
		return sysret(EINVAL, 0);
	return dup_to(from, to, flags & O_CLOEXEC);
}
