/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mq_notify(2).  One registration for each queue; it is used up by the message that it tells of.
 *
 * SIGEV_THREAD is libc's doing (libc/src/mq/mq_notify.c): a thread of its reads from one end
 * of a pipe, whose other end it gives us as the "signal number", and a cookie of 32 bytes as
 * value.  We write the cookie, its last byte saying why.  (Linux has a netlink
 * socket there.)
 */
#include <kern/cpu.h>
#include <kern/proc.h>
#include <kern/signalvar.h>
#include <kern/sysproto.h>
#include <kern/systm.h>
#include "mqueue_impl.h"

#define WOKEN	1 /* last byte of the cookie: a message came */
#define REMOVED 2 /* the registration is gone */

/* A pipe that nobody has written to yet takes it at once. */
static void tell_thread(struct mqueue_notify *mn, char why)
{
	struct iovec iov;
	struct uio uio;

	mn->mn_cookie[sizeof(mn->mn_cookie) - 1] = why;
	uio_init1(&uio, &iov, mn->mn_cookie, sizeof(mn->mn_cookie), UIO_WRITE, UIO_SYSSPACE);
	if (mn->mn_file->f_ops->fo_write)
		(void)mn->mn_file->f_ops->fo_write(mn->mn_file, &uio.uio_offset, &uio);
}

static void forget(struct mqueue_notify *mn)
{
	if (mn->mn_kind == SIGEV_THREAD)
		file_rele(mn->mn_file);
	mn->mn_kind = -1;
}

void mqueue_notify_take(struct mqueue *mq, struct mqueue_notify *mn)
{
	*mn = mq->mq_notify;
	mq->mq_notify.mn_kind = -1;
}

void mqueue_notify_tell(struct mqueue_notify *mn, bool removed)
{
	siginfo_t info = {.si_signo = mn->mn_signo, .si_code = SI_MESGQ};

	if (mn->mn_kind == SIGEV_THREAD)
		tell_thread(mn, removed ? REMOVED : WOKEN);
	if (mn->mn_kind == SIGEV_SIGNAL && !removed) {
		info.si_pid = curproc->p_pid;
		info.si_value.sival_ptr = mn->mn_value;
		if (sig_send_pid)
			sig_send_pid(mn->mn_pid, mn->mn_signo, &info);
		else
			proc_killed(mn->mn_signo);
	}
	forget(mn);
}

/* What the program asks for. */
static int read_event(const struct sigevent *uevent, struct mqueue_notify *mn)
{
	struct ksigevent ev;
	int error = copyin(uevent, &ev, sizeof(ev));

	if (error)
		return error;
	mn->mn_kind = ev.notify;
	mn->mn_signo = ev.signo;
	mn->mn_pid = curproc->p_pid;
	mn->mn_value = ev.value.sival_ptr;
	switch (ev.notify) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_SIGNAL:
		return ev.signo < 1 || ev.signo > 64 ? EINVAL : 0;
	case SIGEV_THREAD:
		error = copyin(ev.value.sival_ptr, mn->mn_cookie, sizeof(mn->mn_cookie));
		return error ? error : fd_gettype(ev.signo, DTYPE_PIPE, EBADF, &mn->mn_file);
	}
	return EINVAL;
}

long do_sys_mq_notify(int fd, const struct sigevent *uevent)
{
	struct mqueue_notify mn = {.mn_kind = -1};
	struct mqueue *mq;
	struct file *fp;
	int error = uevent ? read_event(uevent, &mn) : 0;

	if (error)
		return sysret(error, 0);
	error = mqueue_file(fd, &fp, &mq);
	if (error) {
		forget(&mn);
		return sysret(error, 0);
	}
	mutex_enter(&mq->mq_lock);
	if (!uevent) {
		mqueue_notify_take(mq, &mn);
	} else if (mq->mq_notify.mn_kind != -1) {
		error = EBUSY;
	} else {
		mq->mq_notify = mn;
		mn.mn_kind = -1;
	}
	mutex_exit(&mq->mq_lock);
	if (uevent)
		forget(&mn);
	else
		mqueue_notify_tell(&mn, true);
	fd_putfile(fp);
	return sysret(error, 0);
}
