/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets as files: read, write, poll, ioctl, stat, close. */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <kern/cpu.h>
#include <kern/linkset.h>
#include <kern/signalvar.h>
#include "socket_impl.h"

void sosigpipe(void)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGPIPE;
	sig_send_lwp(curlwp, SIGPIPE, &info);
}

int sofile_dontwait(const struct file *fp)
{
	return fp->f_flags & O_NONBLOCK ? MSG_DONTWAIT : 0;
}

static int file_read(struct file *fp, int64_t *offset, struct uio *uio)
{
	struct socket *so = fp->f_data;
	struct sockmsg sm = {.sm_flags = sofile_dontwait(fp)};

	(void)offset;
	if (uio->uio_resid == 0)
		return 0;
	return so->so_proto->pr_soreceive(so, uio, &sm);
}

static int file_write(struct file *fp, int64_t *offset, struct uio *uio)
{
	struct socket *so = fp->f_data;
	struct sockmsg sm = {.sm_flags = sofile_dontwait(fp)};
	int error;

	(void)offset;
	error = so->so_proto->pr_sosend(so, uio, &sm);
	if (error == EPIPE && so->so_proto->pr_type != SOCK_DGRAM)
		sosigpipe();
	return error;
}

LINK_SET_DECLARE(protosws, const struct protosw);

/* Any socket will do to ask about interfaces; if_nametoindex() takes one of AF_UNIX. */
static int protocol_ioctl(struct socket *so, unsigned long cmd, void *data)
{
	const struct protosw *const *pp;

	if (so->so_proto->pr_ioctl)
		return so->so_proto->pr_ioctl(so, cmd, data);
	LINK_SET_FOREACH (pp, protosws)
		if ((*pp)->pr_ioctl)
			return (*pp)->pr_ioctl(so, cmd, data);
	return ENOTTY;
}

static int file_ioctl(struct file *fp, unsigned long cmd, void *data)
{
	struct socket *so = fp->f_data;
	int n;

	switch (cmd) {
	case FIONREAD:
		mutex_enter(so->so_lock);
		if (so->so_state & SS_LISTENING) {
			mutex_exit(so->so_lock);
			return EINVAL;
		}
		n = (int)so->so_rcv.sb_cc;
		if ((so->so_proto->pr_flags & PR_ATOMIC) && so->so_rcv.sb_mb)
			n = (int)sofirstlen(&so->so_rcv);
		mutex_exit(so->so_lock);
		return copyout(&n, data, sizeof(n));
	case TIOCOUTQ:
		n = (int)so->so_snd.sb_cc;
		return copyout(&n, data, sizeof(n));
	default:
		return protocol_ioctl(so, cmd, data);
	}
}

static int file_poll(struct file *fp, int events, struct polltable *pt)
{
	struct socket *so = fp->f_data;
	unsigned state;
	int ready = 0;

	poll_record(pt, &so->so_sel);
	if (so->so_proto->pr_poll)
		return so->so_proto->pr_poll(so, events);
	state = so->so_state;
	if (state & SS_LISTENING)
		return so->so_qlen > 0 ? events & (POLLIN | POLLRDNORM) : 0;
	if (so->so_rcv.sb_cc >= KMAX(so->so_rcv.sb_lowat, 1U) || so->so_rcv.sb_mb != NULL ||
	    (state & SS_CANTRCVMORE))
		ready |= POLLIN | POLLRDNORM;
	if (so->so_error)
		ready |= POLLERR | POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
	if (state & SS_CANTRCVMORE)
		ready |= POLLRDHUP;
	if (!(so->so_proto->pr_flags & PR_CONNREQUIRED) ||
	    (state & (SS_ISCONNECTED | SS_CANTSENDMORE))) {
		/* Ask to be told, then look: else room that comes in between is missed. */
		if (!sbwriteable(&so->so_snd))
			soaskspace(so);
		if ((state & SS_CANTSENDMORE) || sbwriteable(&so->so_snd))
			ready |= POLLOUT | POLLWRNORM;
	} else if (!(state & SS_ISCONNECTING)) {
		ready |= POLLHUP | POLLOUT | POLLWRNORM; /* not connected at all: as Linux */
	}
	if ((state & SS_CANTRCVMORE) && (state & SS_CANTSENDMORE))
		ready |= POLLHUP;
	return ready & (events | POLLERR | POLLHUP);
}

static int file_stat(struct file *fp, struct stat *st)
{
	(void)fp;
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFSOCK | 0777;
	st->st_blksize = 4096;
	st->st_nlink = 1;
	return 0;
}

static void file_close(struct file *fp)
{
	soclose(fp->f_data);
}

const struct fileops sofileops = {
    .fo_read = file_read,
    .fo_write = file_write,
    .fo_ioctl = file_ioctl,
    .fo_poll = file_poll,
    .fo_stat = file_stat,
    .fo_sendpage = sofile_sendpage,
    .fo_close = file_close,
};

int sofile_flags(int flags)
{
	return O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0) |
	       (flags & SOCK_CLOEXEC ? O_CLOEXEC : 0);
}

int sofile(struct socket *so, int flags, int *fdp)
{
	return fd_open(&sofileops, DTYPE_SOCKET, sofile_flags(flags), so, fdp);
}

struct socket *file_socket(struct file *fp)
{
	return fp->f_ops == &sofileops ? fp->f_data : NULL;
}
