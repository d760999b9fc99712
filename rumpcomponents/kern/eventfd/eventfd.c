/* SPDX-License-Identifier: BSD-2-Clause */
/* eventfd(2). */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <kern/file.h>
#include <kern/kmem.h>
#include <kern/poll.h>
#include <kern/sysproto.h>
#include <kern/systm.h>

#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
	kmutex_t ef_lock;
	kcondvar_t ef_cv;
	struct selinfo ef_sel;
	uint64_t ef_count; /* ef_lock */
	bool ef_semaphore;
};

static void changed(struct eventfd *ef, int events)
{
	cv_broadcast(&ef->ef_cv);
	mutex_exit(&ef->ef_lock);
	selnotify(&ef->ef_sel, events);
}

static int efd_read(struct file *fp, int64_t *offset, struct uio *uio)
{
	struct eventfd *ef = fp->f_data;
	uint64_t value;
	int error = 0;

	if (uio->uio_resid < sizeof(value))
		return EINVAL;
	mutex_enter(&ef->ef_lock);
	while (ef->ef_count == 0 && !error)
		error = fp->f_flags & O_NONBLOCK ? EAGAIN : cv_wait_sig(&ef->ef_cv, &ef->ef_lock);
	if (error) {
		mutex_exit(&ef->ef_lock);
		return error;
	}
	value = ef->ef_semaphore ? 1 : ef->ef_count;
	ef->ef_count -= value;
	changed(ef, POLLOUT);
	return uiomove(&value, sizeof(value), uio);
}

static int efd_write(struct file *fp, int64_t *offset, struct uio *uio)
{
	struct eventfd *ef = fp->f_data;
	uint64_t value;
	int error;

	if (uio->uio_resid < sizeof(value))
		return EINVAL;
	error = uiomove(&value, sizeof(value), uio);
	if (error)
		return error;
	uio->uio_resid += sizeof(value); /* until it is taken */
	if (value == UINT64_MAX)
		return EINVAL;
	mutex_enter(&ef->ef_lock);
	while (value > COUNT_MAX - ef->ef_count && !error)
		error = fp->f_flags & O_NONBLOCK ? EAGAIN : cv_wait_sig(&ef->ef_cv, &ef->ef_lock);
	if (error) {
		mutex_exit(&ef->ef_lock);
		return error;
	}
	ef->ef_count += value;
	uio->uio_resid -= sizeof(value);
	changed(ef, POLLIN);
	return 0;
}

static int efd_poll(struct file *fp, int events, struct polltable *pt)
{
	struct eventfd *ef = fp->f_data;
	int ready = 0;

	poll_record(pt, &ef->ef_sel);
	mutex_enter(&ef->ef_lock);
	if (ef->ef_count > 0)
		ready |= POLLIN | POLLRDNORM;
	if (ef->ef_count < COUNT_MAX)
		ready |= POLLOUT | POLLWRNORM;
	mutex_exit(&ef->ef_lock);
	return ready & events;
}

static int efd_stat(struct file *fp, struct stat *st)
{
	st->st_mode = 0600;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

static void efd_close(struct file *fp)
{
	struct eventfd *ef = fp->f_data;

	seldestroy(&ef->ef_sel);
	cv_destroy(&ef->ef_cv);
	mutex_destroy(&ef->ef_lock);
	kmem_free(ef, sizeof(*ef));
}

static const struct fileops efd_ops = {
    .fo_read = efd_read,
    .fo_write = efd_write,
    .fo_poll = efd_poll,
    .fo_stat = efd_stat,
    .fo_close = efd_close,
};

long do_sys_eventfd2(unsigned count, int flags)
{
	struct eventfd *ef;
	int fd = 0, error;

	if (flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE))
		return sysret(EINVAL, 0);
	ef = kmem_zalloc(sizeof(*ef));
	if (!ef)
		return sysret(ENOMEM, 0);
	mutex_init(&ef->ef_lock, MUTEX_DEFAULT);
	cv_init(&ef->ef_cv, "eventfd");
	ef->ef_count = count;
	ef->ef_semaphore = flags & EFD_SEMAPHORE;
	error =
	    fd_open(&efd_ops, DTYPE_EVENTFD, O_RDWR | (flags & (O_CLOEXEC | O_NONBLOCK)), ef, &fd);
	if (error)
		kmem_free(ef, sizeof(*ef));
	return sysret(error, fd);
}

long do_sys_eventfd(unsigned count)
{
	return do_sys_eventfd2(count, 0);
}
