/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timerfd(2): how often the timer expired since it was last read.
 *
 * A periodic timer that has expired is armed again when it is read: until then nobody needs to be
 * told, and however short its period, it costs nothing.  What came due meanwhile is counted by
 * arithmetic.
 */
#include <fcntl.h>
#include <sys/timerfd.h>
#include <kern/callout.h>
#include <kern/file.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/poll.h>
#include <kern/sysproto.h>
#include <kern/systm.h>
#include <kern/timevar.h>

struct timerfd {
	kmutex_t tf_lock;
	kcondvar_t tf_cv;
	struct selinfo tf_sel;
	callout_t tf_callout;
	clockid_t tf_clock;
	uint64_t tf_deadline, tf_interval; /* tf_lock; deadline 0: not armed */
	uint64_t tf_count;		   /* tf_lock */
	/* tf_lock; set if the deadline is a time of a clock that can be set */
	struct time_watch tf_watch;
	bool tf_cancel, tf_cancelled; /* TFD_TIMER_CANCEL_ON_SET; the clock was set since */
};

/* Count what has come due.  tf_lock held. */
static void catch_up(struct timerfd *tf)
{
	uint64_t now = nanouptime(), n, deadline = KMAX(tf->tf_deadline, 1UL);

	if (time_moved(&tf->tf_watch, &deadline)) {
		tf->tf_cancelled = tf->tf_cancel;
		if (tf->tf_deadline)
			tf->tf_deadline = deadline;
	}
	if (!tf->tf_deadline || tf->tf_deadline > now)
		return;
	n = tf->tf_interval ? (now - tf->tf_deadline) / tf->tf_interval + 1 : 1;
	tf->tf_count += n;
	tf->tf_deadline = tf->tf_interval ? tf->tf_deadline + n * tf->tf_interval : 0;
}

/* tf_lock held. */
static void arm(struct timerfd *tf)
{
	if (tf->tf_watch.tw_set)
		time_arm(&tf->tf_watch, &tf->tf_deadline, 0);
	else
		callout_schedule_at(&tf->tf_callout, tf->tf_deadline);
}

static void expired(void *arg)
{
	struct timerfd *tf = arg;
	bool due;

	mutex_enter(&tf->tf_lock);
	catch_up(tf);
	due = tf->tf_count > 0 || tf->tf_cancelled;
	if (!due && tf->tf_deadline) /* the clock was set back */
		arm(tf);
	if (due)
		cv_broadcast(&tf->tf_cv);
	mutex_exit(&tf->tf_lock);
	if (due)
		selnotify(&tf->tf_sel, POLLIN);
}

static int tfd_read(struct file *fp, int64_t *offset, struct uio *uio)
{
	struct timerfd *tf = fp->f_data;
	uint64_t count;
	int error = 0;

	if (uio->uio_resid < sizeof(count))
		return EINVAL;
	mutex_enter(&tf->tf_lock);
	catch_up(tf);
	while (tf->tf_count == 0 && !tf->tf_cancelled && !error)
		error = fp->f_flags & O_NONBLOCK ? EAGAIN : cv_wait_sig(&tf->tf_cv, &tf->tf_lock);
	if (!error) {
		catch_up(tf);
		if (tf->tf_deadline)
			arm(tf);
	}
	count = tf->tf_count;
	if (!error)
		tf->tf_count = 0;
	if (!error && tf->tf_cancelled) {
		error = ECANCELED;
		tf->tf_cancelled = false;
	}
	mutex_exit(&tf->tf_lock);
	return error ? error : uiomove(&count, sizeof(count), uio);
}

static int tfd_poll(struct file *fp, int events, struct polltable *pt)
{
	struct timerfd *tf = fp->f_data;
	bool ready;

	poll_record(pt, &tf->tf_sel);
	mutex_enter(&tf->tf_lock);
	ready = tf->tf_count > 0 || tf->tf_cancelled;
	mutex_exit(&tf->tf_lock);
	return ready ? events & (POLLIN | POLLRDNORM) : 0;
}

static int tfd_stat(struct file *fp, struct stat *st)
{
	st->st_mode = 0600;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

static void tfd_close(struct file *fp)
{
	struct timerfd *tf = fp->f_data;

	time_unwatch(&tf->tf_watch);
	callout_halt(&tf->tf_callout);
	seldestroy(&tf->tf_sel);
	cv_destroy(&tf->tf_cv);
	mutex_destroy(&tf->tf_lock);
	kmem_free(tf, sizeof(*tf));
}

static const struct fileops tfd_ops = {
    .fo_read = tfd_read,
    .fo_poll = tfd_poll,
    .fo_stat = tfd_stat,
    .fo_close = tfd_close,
};

long do_sys_timerfd_create(clockid_t clock, int flags)
{
	struct timerfd *tf;
	int fd = 0, error;

	if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK) || !time_settable(&clock) || clock == CLOCK_TAI ||
	    time_is_cputime(clock))
		return sysret(EINVAL, 0);
	tf = kmem_zalloc(sizeof(*tf));
	if (!tf)
		return sysret(ENOMEM, 0);
	mutex_init(&tf->tf_lock, MUTEX_DEFAULT);
	cv_init(&tf->tf_cv, "timerfd");
	callout_init(&tf->tf_callout, expired, tf);
	tf->tf_watch.tw_callout = &tf->tf_callout;
	tf->tf_clock = clock;
	error =
	    fd_open(&tfd_ops, DTYPE_TIMERFD, O_RDWR | (flags & (O_CLOEXEC | O_NONBLOCK)), tf, &fd);
	if (error)
		kmem_free(tf, sizeof(*tf));
	return sysret(error, fd);
}

static int get_timer(int fd, struct file **fpp, struct timerfd **tfp)
{
	int error = fd_gettype(fd, DTYPE_TIMERFD, EINVAL, fpp);

	if (!error)
		*tfp = (*fpp)->f_data;
	return error;
}

long do_sys_timerfd_settime(
    int fd, int flags, const struct itimerspec *uvalue, struct itimerspec *uold)
{
	struct itimerspec it, old;
	uint64_t value, interval;
	struct timerfd *tf;
	struct file *fp;
	int error = copyin(uvalue, &it, sizeof(it));

	if (!error && flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		error = EINVAL;
	if (!error)
		error = time_from_itimerspec(&it, &value, &interval);
	if (!error)
		error = get_timer(fd, &fp, &tf);
	if (error)
		return sysret(error, 0);
	mutex_enter(&tf->tf_lock);
	catch_up(tf);
	time_left(tf->tf_clock, tf->tf_deadline, tf->tf_interval, &old);
	time_unwatch(&tf->tf_watch);
	(void)callout_stop(&tf->tf_callout);
	tf->tf_cancel = flags & TFD_TIMER_CANCEL_ON_SET;
	tf->tf_cancelled = false;
	tf->tf_count = 0;
	tf->tf_interval = interval;
	if (flags & TFD_TIMER_ABSTIME && time_can_be_set(tf->tf_clock) && (value || tf->tf_cancel))
		tf->tf_deadline = time_watch(&tf->tf_watch, tf->tf_clock, value);
	else
		tf->tf_deadline = time_deadline(tf->tf_clock, value, flags & TFD_TIMER_ABSTIME);
	if (value)
		arm(tf);
	else
		tf->tf_deadline = 0;
	mutex_exit(&tf->tf_lock);
	fd_putfile(fp);
	return sysret(uold ? copyout(&old, uold, sizeof(old)) : 0, 0);
}

long do_sys_timerfd_gettime(int fd, struct itimerspec *uvalue)
{
	struct itimerspec it;
	struct timerfd *tf;
	struct file *fp;
	int error = get_timer(fd, &fp, &tf);

	if (error)
		return sysret(error, 0);
	mutex_enter(&tf->tf_lock);
	catch_up(tf);
	time_left(tf->tf_clock, tf->tf_deadline, tf->tf_interval, &it);
	mutex_exit(&tf->tf_lock);
	fd_putfile(fp);
	return sysret(copyout(&it, uvalue, sizeof(it)), 0);
}
