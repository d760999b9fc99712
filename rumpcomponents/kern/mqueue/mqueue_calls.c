/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mq_open(2) and its family: names, and arguments as Linux checks them.  libc has taken
 * the slash from the front of names.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <kern/component.h>
#include <kern/kmem.h>
#include <kern/sysproto.h>
#include <kern/systm.h>
#include <kern/timevar.h>
#include "mqueue_impl.h"

/* /proc/sys/fs/mqueue of Linux: defaults, and what root may not exceed. */
#define MAXMSG_DEFAULT	10
#define MSGSIZE_DEFAULT 8192
#define MAXMSG_LIMIT	65536
#define MSGSIZE_LIMIT	(16 << 20)

static kmutex_t mqueues_lock;
static LIST_HEAD(, mqueue) mqueues = LIST_HEAD_INITIALIZER(mqueues);

static int mqueue_init(void)
{
	mutex_init(&mqueues_lock, MUTEX_DEFAULT);
	return 0;
}
RUMP_COMPONENT(mqueue, RUMP_PHASE_KERN, mqueue_init);

static void release(struct mqueue *mq)
{
	struct mqueue_message *mm;
	bool last;

	mutex_enter(&mqueues_lock);
	last = --mq->mq_refs == 0;
	mutex_exit(&mqueues_lock);
	if (!last)
		return;
	while ((mm = TAILQ_FIRST(&mq->mq_messages)) != NULL) {
		TAILQ_REMOVE(&mq->mq_messages, mm, mm_list);
		mqueue_message_free(mm);
	}
	seldestroy(&mq->mq_sel);
	mutex_destroy(&mq->mq_lock);
	kmem_free(mq, sizeof(*mq));
}

static void mqueue_close(struct file *fp)
{
	struct mqueue *mq = fp->f_data;
	struct mqueue_notify mn;

	mutex_enter(&mq->mq_lock);
	mqueue_notify_take(mq, &mn);
	mutex_exit(&mq->mq_lock);
	mqueue_notify_tell(&mn, true);
	release(mq);
}

static int mqueue_stat(struct file *fp, struct stat *st)
{
	struct mqueue *mq = fp->f_data;

	st->st_mode = S_IFREG | mq->mq_mode;
	st->st_nlink = mq->mq_named;
	return 0;
}

static const struct fileops mqueue_ops = {
    .fo_poll = mqueue_poll,
    .fo_stat = mqueue_stat,
    .fo_close = mqueue_close,
};

int mqueue_file(int fd, struct file **fpp, struct mqueue **mqp)
{
	int error = fd_getfile(fd, fpp);

	if (error)
		return error;
	if ((*fpp)->f_ops != &mqueue_ops) {
		fd_putfile(*fpp);
		return EBADF;
	}
	*mqp = (*fpp)->f_data;
	return 0;
}

static int read_name(const char *uname, char *name)
{
	int error = copyinstr(uname, name, NAME_MAX + 1, NULL);

	if (error)
		return error;
	if (name[0] == '\0')
		return ENOENT;
	return strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? EACCES : 0;
}

/* => mqueues_lock */
static struct mqueue *find(const char *name)
{
	struct mqueue *mq;

	LIST_FOREACH (mq, &mqueues, mq_list)
		if (strcmp(mq->mq_name, name) == 0)
			return mq;
	return NULL;
}

/* A queue as attr wants it; the name is one reference.  => mqueues_lock */
static int create(const char *name, mode_t mode, const struct mq_attr *attr, struct mqueue **mqp)
{
	struct mqueue *mq;

	if (attr->mq_maxmsg <= 0 || attr->mq_maxmsg > MAXMSG_LIMIT || attr->mq_msgsize <= 0 ||
	    attr->mq_msgsize > MSGSIZE_LIMIT)
		return EINVAL;
	mq = kmem_zalloc(sizeof(*mq));
	if (!mq)
		return ENOMEM;
	strlcpy(mq->mq_name, name, sizeof(mq->mq_name));
	mq->mq_mode = mode & 07777;
	mq->mq_maxmsg = (size_t)attr->mq_maxmsg;
	mq->mq_msgsize = (size_t)attr->mq_msgsize;
	mq->mq_refs = 1;
	mq->mq_notify.mn_kind = -1;
	mutex_init(&mq->mq_lock, MUTEX_DEFAULT);
	cv_init(&mq->mq_readable, "mqrecv");
	cv_init(&mq->mq_writable, "mqsend");
	TAILQ_INIT(&mq->mq_messages);
	mq->mq_named = true;
	LIST_INSERT_HEAD(&mqueues, mq, mq_list);
	*mqp = mq;
	return 0;
}

/* The queue of that name, made if flags say so, with a reference. */
static int open_queue(
    const char *name, int flags, mode_t mode, const struct mq_attr *attr, struct mqueue **mqp)
{
	int error;

	mutex_enter(&mqueues_lock);
	*mqp = find(name);
	if (*mqp)
		error = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) ? EEXIST : 0;
	else
		error = flags & O_CREAT ? create(name, mode, attr, mqp) : ENOENT;
	if (!error)
		(*mqp)->mq_refs++;
	mutex_exit(&mqueues_lock);
	return error;
}

long do_sys_mq_open(const char *uname, int flags, mode_t mode, struct mq_attr *uattr)
{
	struct mq_attr attr = {.mq_maxmsg = MAXMSG_DEFAULT, .mq_msgsize = MSGSIZE_DEFAULT};
	char name[NAME_MAX + 1];
	struct mqueue *mq;
	struct file *fp;
	int error = read_name(uname, name), fd;

	if (!error && uattr && flags & O_CREAT)
		error = copyin(uattr, &attr, sizeof(attr));
	if (!error && (flags & O_ACCMODE) == O_ACCMODE)
		error = EINVAL;
	if (error)
		return sysret(error, 0);
	error = fd_prepare(
	    &mqueue_ops, DTYPE_MISC, flags & (O_ACCMODE | O_NONBLOCK | O_CLOEXEC), &fp, &fd);
	if (error)
		return sysret(error, 0);
	error = open_queue(name, flags, mode, &attr, &mq);
	if (error)
		fd_cancel(fd, fp);
	else
		fd_commit(fd, fp, mq);
	return sysret(error, fd);
}

long do_sys_mq_unlink(const char *uname)
{
	char name[NAME_MAX + 1];
	struct mqueue *mq;
	int error = read_name(uname, name);

	if (error)
		return sysret(error, 0);
	mutex_enter(&mqueues_lock);
	mq = find(name);
	if (mq) {
		LIST_REMOVE(mq, mq_list);
		mq->mq_named = false;
	}
	mutex_exit(&mqueues_lock);
	if (!mq)
		return sysret(ENOENT, 0);
	release(mq);
	return 0;
}

/* As mqueue_file(), and fp may be used for `mode` (O_RDONLY: receive, O_WRONLY: send). */
static int file_for(int fd, int mode, struct file **fpp, struct mqueue **mqp)
{
	int error = mqueue_file(fd, fpp, mqp), is;

	if (error)
		return error;
	is = (int)(*fpp)->f_flags & O_ACCMODE;
	if (is == O_RDWR || is == mode)
		return 0;
	fd_putfile(*fpp);
	return EBADF;
}

static int send(struct file *fp, struct mqueue *mq, const char *umsg, size_t len, unsigned priority,
    uint64_t deadline)
{
	struct mqueue_message *mm;
	int error;

	if (len > mq->mq_msgsize)
		return EMSGSIZE;
	mm = kmem_alloc(sizeof(*mm) + len);
	if (!mm)
		return ENOMEM;
	mm->mm_len = len;
	mm->mm_priority = priority;
	error = copyin(umsg, mm->mm_data, len);
	if (!error)
		error = mqueue_put(mq, mm, fp->f_flags & O_NONBLOCK, deadline);
	if (error)
		mqueue_message_free(mm);
	return error;
}

long do_sys_mq_timedsend(
    int fd, const char *umsg, size_t len, unsigned priority, const struct timespec *utimeout)
{
	struct mqueue *mq;
	struct file *fp;
	uint64_t deadline;
	int error = priority >= MQUEUE_PRIORITIES ? EINVAL : 0;

	if (!error)
		error = time_timeout(CLOCK_REALTIME, utimeout, &deadline);
	if (!error)
		error = file_for(fd, O_WRONLY, &fp, &mq);
	if (error)
		return sysret(error, 0);
	error = send(fp, mq, umsg, len, priority, deadline);
	fd_putfile(fp);
	return sysret(error, 0);
}

/* *len: the program's room, then the message's length. */
static int receive(struct file *fp, struct mqueue *mq, char *umsg, size_t *len, unsigned *upriority,
    uint64_t deadline)
{
	struct mqueue_message *mm;
	int error;

	if (*len < mq->mq_msgsize)
		return EMSGSIZE;
	error = mqueue_get(mq, &mm, fp->f_flags & O_NONBLOCK, deadline);
	if (error)
		return error;
	*len = mm->mm_len;
	error = copyout(mm->mm_data, umsg, mm->mm_len);
	if (!error && upriority)
		error = copyout(&mm->mm_priority, upriority, sizeof(*upriority));
	mqueue_message_free(mm);
	return error;
}

long do_sys_mq_timedreceive(
    int fd, char *umsg, size_t len, unsigned *upriority, const struct timespec *utimeout)
{
	struct mqueue *mq;
	struct file *fp;
	uint64_t deadline;
	int error = time_timeout(CLOCK_REALTIME, utimeout, &deadline);

	if (!error)
		error = file_for(fd, O_RDONLY, &fp, &mq);
	if (error)
		return sysret(error, 0);
	error = receive(fp, mq, umsg, &len, upriority, deadline);
	fd_putfile(fp);
	return sysret(error, (long)len);
}

long do_sys_mq_getsetattr(int fd, const struct mq_attr *uattr, struct mq_attr *uold)
{
	struct mq_attr attr, old = {0};
	struct mqueue *mq;
	struct file *fp;
	int error = uattr ? copyin(uattr, &attr, sizeof(attr)) : 0;

	if (!error && uattr && attr.mq_flags & ~(long)O_NONBLOCK)
		error = EINVAL;
	if (!error)
		error = mqueue_file(fd, &fp, &mq);
	if (error)
		return sysret(error, 0);
	old.mq_flags = fp->f_flags & O_NONBLOCK;
	old.mq_maxmsg = (long)mq->mq_maxmsg;
	old.mq_msgsize = (long)mq->mq_msgsize;
	mutex_enter(&mq->mq_lock);
	old.mq_curmsgs = (long)mq->mq_count;
	mutex_exit(&mq->mq_lock);
	if (uattr && attr.mq_flags)
		__atomic_fetch_or(&fp->f_flags, O_NONBLOCK, __ATOMIC_RELAXED);
	else if (uattr)
		__atomic_fetch_and(&fp->f_flags, ~(uint32_t)O_NONBLOCK, __ATOMIC_RELAXED);
	fd_putfile(fp);
	return sysret(uold ? copyout(&old, uold, sizeof(old)) : 0, 0);
}
