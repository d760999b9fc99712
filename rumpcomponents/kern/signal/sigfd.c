/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signalfd(2).  A descriptor is a set of signals; reading takes what is pending for
 * the calling thread.  One selinfo serves all of them: signals are rare.
 */
#include <fcntl.h>
#include <sys/signalfd.h>
#include <kern/file.h>
#include <kern/kmem.h>
#include <kern/poll.h>
#include <kern/sysproto.h>
#include "signal_impl.h"

struct signalfd {
	volatile uint64_t sf_set;
};

static struct selinfo pollers;

static void notify(void)
{
	selnotify(&pollers, POLLIN);
}

static void convert(const siginfo_t *info, struct signalfd_siginfo *out)
{
	memset(out, 0, sizeof(*out));
	out->ssi_signo = info->si_signo;
	out->ssi_errno = info->si_errno;
	out->ssi_code = info->si_code;
	out->ssi_pid = info->si_pid;
	out->ssi_uid = info->si_uid;
	if (info->si_code == SI_TIMER) {
		out->ssi_tid = info->si_timerid;
		out->ssi_overrun = info->si_overrun;
	}
	out->ssi_int = info->si_value.sival_int;
	out->ssi_ptr = (uintptr_t)info->si_value.sival_ptr;
}

static int sfd_read(struct file *fp, int64_t *offset, struct uio *uio)
{
	struct signalfd *sf = fp->f_data;
	struct signalfd_siginfo out;
	uint64_t deadline = fp->f_flags & O_NONBLOCK ? 0 : UINT64_MAX - 1;
	siginfo_t info;
	int signo, error = 0;
	bool any = false;

	if (uio->uio_resid < sizeof(out))
		return EINVAL;
	while (!error && uio->uio_resid >= sizeof(out)) {
		error = sig_wait(sf->sf_set, &info, any ? 0 : deadline, &signo);
		if (error)
			break;
		convert(&info, &out);
		error = uiomove(&out, sizeof(out), uio);
		any = true;
	}
	return any && error != EFAULT ? 0 : error;
}

static int sfd_poll(struct file *fp, int events, struct polltable *pt)
{
	struct signalfd *sf = fp->f_data;
	struct sigctx *sc = curlwp->l_sigctx;
	uint64_t set;

	poll_record(pt, &pollers);
	mutex_enter(&sig_lock);
	set = (sc ? sig_pendingset(sc) : curproc->p_sig->sp_pend.sp_set) & sf->sf_set;
	mutex_exit(&sig_lock);
	return set ? events & (POLLIN | POLLRDNORM) : 0;
}

static int sfd_stat(struct file *fp, struct stat *st)
{
	st->st_mode = 0600;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

static void sfd_close(struct file *fp)
{
	kmem_free(fp->f_data, sizeof(struct signalfd));
}

static const struct fileops sfd_ops = {
    .fo_read = sfd_read,
    .fo_poll = sfd_poll,
    .fo_stat = sfd_stat,
    .fo_close = sfd_close,
};

static int create(uint64_t set, int flags, int *fdp)
{
	struct signalfd *sf = kmem_alloc(sizeof(*sf));
	int error;

	if (!sf)
		return ENOMEM;
	sf->sf_set = set;
	sig_notify = notify;
	error =
	    fd_open(&sfd_ops, DTYPE_SIGNALFD, O_RDWR | (flags & (O_CLOEXEC | O_NONBLOCK)), sf, fdp);
	if (error)
		kmem_free(sf, sizeof(*sf));
	return error;
}

long do_sys_signalfd4(int fd, const uint64_t *mask, size_t setsize, int flags)
{
	struct file *fp;
	uint64_t set;
	int error =
	    flags & ~(SFD_CLOEXEC | SFD_NONBLOCK) ? EINVAL : sig_getset(mask, setsize, &set);

	if (error)
		return sysret(error, 0);
	set &= ~SIG_UNBLOCKABLE;
	if (fd == -1) {
		error = create(set, flags, &fd);
		return sysret(error, fd);
	}
	error = fd_gettype(fd, DTYPE_SIGNALFD, EINVAL, &fp);
	if (error)
		return sysret(error, 0);
	((struct signalfd *)fp->f_data)->sf_set = set;
	fd_putfile(fp);
	notify();
	return fd;
}

long do_sys_signalfd(int fd, const uint64_t *mask, size_t setsize)
{
	return do_sys_signalfd4(fd, mask, setsize, 0);
}
