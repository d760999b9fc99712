/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes (pipe(7)): a ring of bytes between two files.
 *
 * Writes of at most PIPE_BUF bytes are atomic: they wait until they fit whole.  The
 * ring's memory is allocated with the pipe and never grows.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <kern/cpu.h>
#include <kern/file.h>
#include <kern/kmem.h>
#include <kern/poll.h>
#include <kern/signalvar.h>
#include <kern/sysproto.h>
#include <kern/systm.h>

#define PIPE_SIZE 16384 /* a power of two */

enum pipe_end { PIPE_READER, PIPE_WRITER };

struct pipe {
	kmutex_t pp_lock;
	kcondvar_t pp_cv[2]; /* readers wait for data, writers for room */
	struct selinfo pp_sel[2];
	uint32_t pp_head, pp_tail; /* running indices */
	bool pp_open[2];
	char *pp_buf;
};

static uint32_t used(const struct pipe *pp)
{
	return pp->pp_head - pp->pp_tail;
}

static enum pipe_end end_of(const struct file *fp)
{
	return (fp->f_flags & O_ACCMODE) == O_WRONLY ? PIPE_WRITER : PIPE_READER;
}

/* Move n bytes at running index `at`, around the ring's end if need be. */
static int move(struct pipe *pp, uint32_t at, size_t n, struct uio *uio)
{
	uint32_t off = at % PIPE_SIZE;
	size_t first = KMIN(n, PIPE_SIZE - off);
	int error = uiomove(pp->pp_buf + off, first, uio);

	if (!error && n > first)
		error = uiomove(pp->pp_buf, n - first, uio);
	return error;
}

static int pipe_read(struct file *fp, int64_t *offset, struct uio *uio)
{
	struct pipe *pp = fp->f_data;
	size_t n = 0;
	int error = 0;

	if (uio->uio_resid == 0)
		return 0;
	mutex_enter(&pp->pp_lock);
	while (used(pp) == 0 && pp->pp_open[PIPE_WRITER] && !error)
		error = fp->f_flags & O_NONBLOCK
			    ? EAGAIN
			    : cv_wait_sig(&pp->pp_cv[PIPE_READER], &pp->pp_lock);
	if (!error && used(pp) > 0) {
		n = KMIN(uio->uio_resid, used(pp));
		error = move(pp, pp->pp_tail, n, uio);
		if (!error)
			pp->pp_tail += n;
		cv_broadcast(&pp->pp_cv[PIPE_WRITER]);
	}
	mutex_exit(&pp->pp_lock);
	if (n > 0)
		selnotify(&pp->pp_sel[PIPE_WRITER], POLLOUT);
	return error;
}

/* Wait for room for what is left of the write; pp_lock held. */
static int wait_room(struct pipe *pp, struct file *fp, size_t need)
{
	int error = 0;

	while (pp->pp_open[PIPE_READER] && PIPE_SIZE - used(pp) < need && !error)
		error = fp->f_flags & O_NONBLOCK
			    ? EAGAIN
			    : cv_wait_sig(&pp->pp_cv[PIPE_WRITER], &pp->pp_lock);
	return pp->pp_open[PIPE_READER] ? error : EPIPE;
}

static int pipe_write(struct file *fp, int64_t *offset, struct uio *uio)
{
	struct pipe *pp = fp->f_data;
	size_t n, left, need = uio->uio_resid <= PIPE_BUF ? uio->uio_resid : 1;
	bool wrote = false;
	int error = 0;

	mutex_enter(&pp->pp_lock);
	while (uio->uio_resid > 0 && !error) {
		error = wait_room(pp, fp, need);
		if (error)
			break;
		left = uio->uio_resid;
		n = KMIN(left, PIPE_SIZE - used(pp));
		error = move(pp, pp->pp_head, n, uio);
		if (error) { /* nothing of this piece counts, but what went before does */
			uio->uio_resid = left;
			error = wrote ? 0 : error;
			break;
		}
		pp->pp_head += n;
		wrote = true;
		cv_broadcast(&pp->pp_cv[PIPE_READER]);
		if (uio->uio_resid > 0) { /* who polls must hear before we sleep */
			mutex_exit(&pp->pp_lock);
			selnotify(&pp->pp_sel[PIPE_READER], POLLIN);
			mutex_enter(&pp->pp_lock);
		}
	}
	mutex_exit(&pp->pp_lock);
	if (wrote)
		selnotify(&pp->pp_sel[PIPE_READER], POLLIN);
	if (error == EPIPE && sig_send_lwp)
		sig_send_lwp(curlwp, SIGPIPE, NULL);
	return error;
}

static int pipe_poll(struct file *fp, int events, struct polltable *pt)
{
	struct pipe *pp = fp->f_data;
	enum pipe_end end = end_of(fp);
	int ready = 0;

	poll_record(pt, &pp->pp_sel[end]);
	mutex_enter(&pp->pp_lock);
	if (end == PIPE_READER) {
		if (used(pp) > 0)
			ready |= POLLIN | POLLRDNORM;
		if (!pp->pp_open[PIPE_WRITER])
			ready |= POLLHUP;
	} else {
		if (PIPE_SIZE - used(pp) >= PIPE_BUF)
			ready |= POLLOUT | POLLWRNORM;
		if (!pp->pp_open[PIPE_READER])
			ready |= POLLERR;
	}
	mutex_exit(&pp->pp_lock);
	return ready & (events | POLLHUP | POLLERR);
}

static int pipe_ioctl(struct file *fp, unsigned long cmd, void *data)
{
	struct pipe *pp = fp->f_data;
	int n = (int)used(pp);

	return cmd == FIONREAD ? copyout(&n, data, sizeof(n)) : ENOTTY;
}

static int pipe_stat(struct file *fp, struct stat *st)
{
	st->st_mode = S_IFIFO | 0600;
	st->st_nlink = 1;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

static void pipe_free(struct pipe *pp)
{
	for (int e = 0; e < 2; e++) {
		seldestroy(&pp->pp_sel[e]);
		cv_destroy(&pp->pp_cv[e]);
	}
	mutex_destroy(&pp->pp_lock);
	kmem_free(pp->pp_buf, PIPE_SIZE);
	kmem_free(pp, sizeof(*pp));
}

static void pipe_close(struct file *fp)
{
	struct pipe *pp = fp->f_data;
	enum pipe_end end = end_of(fp), other = end == PIPE_READER ? PIPE_WRITER : PIPE_READER;
	bool last;

	seldestroy(&pp->pp_sel[end]);
	mutex_enter(&pp->pp_lock);
	pp->pp_open[end] = false;
	last = !pp->pp_open[other];
	cv_broadcast(&pp->pp_cv[other]);
	if (!last) /* under the lock: once it is free, the other end may free the pipe */
		selnotify(&pp->pp_sel[other], 0);
	mutex_exit(&pp->pp_lock);
	if (last)
		pipe_free(pp);
}

static const struct fileops pipe_ops = {
    .fo_read = pipe_read,
    .fo_write = pipe_write,
    .fo_poll = pipe_poll,
    .fo_ioctl = pipe_ioctl,
    .fo_stat = pipe_stat,
    .fo_close = pipe_close,
};

static struct pipe *pipe_create(void)
{
	struct pipe *pp = kmem_zalloc(sizeof(*pp));

	if (!pp)
		return NULL;
	pp->pp_buf = kmem_alloc(PIPE_SIZE);
	if (!pp->pp_buf) {
		kmem_free(pp, sizeof(*pp));
		return NULL;
	}
	mutex_init(&pp->pp_lock, MUTEX_DEFAULT);
	cv_init(&pp->pp_cv[PIPE_READER], "piperd");
	cv_init(&pp->pp_cv[PIPE_WRITER], "pipewr");
	pp->pp_open[PIPE_READER] = pp->pp_open[PIPE_WRITER] = true;
	return pp;
}

static int pipe_pair(int flags, int fds[2])
{
	struct pipe *pp = pipe_create();
	struct file *wr;
	int error;

	if (!pp)
		return ENOMEM;
	error = fd_open(&pipe_ops, DTYPE_PIPE, O_RDONLY | flags, pp, &fds[0]);
	if (error) {
		pipe_free(pp);
		return error;
	}
	error = file_alloc(&pipe_ops, DTYPE_PIPE, O_WRONLY | (flags & ~O_CLOEXEC), pp, &wr);
	if (error) { /* the writer never was: closing the reader frees the pipe */
		pp->pp_open[PIPE_WRITER] = false;
		(void)fd_close(fds[0]);
		return error;
	}
	error = fd_alloc(wr, 0, flags & O_CLOEXEC, &fds[1]);
	if (error) {
		file_rele(wr);
		(void)fd_close(fds[0]);
	}
	return error;
}

long do_sys_pipe2(int *ufds, int flags)
{
	int fds[2], error;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return sysret(EINVAL, 0);
	error = pipe_pair(flags & ~O_DIRECT, fds);
	if (error)
		return sysret(error, 0);
	error = copyout(fds, ufds, sizeof(fds));
	if (error) {
		(void)fd_close(fds[0]);
		(void)fd_close(fds[1]);
	}
	return sysret(error, 0);
}

long do_sys_pipe(int *ufds)
{
	return do_sys_pipe2(ufds, 0);
}
