/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files and the descriptor table.
 *
 * A struct file is what dup shares: operations, status flags, offset.  It is
 * reference counted (f_count, atomic): one per descriptor, one per call in
 * progress.  fo_close runs when the last one goes.
 *
 * Looking a descriptor up (fd_getfile) takes no lock.
 */
#ifndef KERN_FILE_H
#define KERN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <kern/mutex.h>
#include <kern/uio.h>

struct file;
struct vm_object;
struct mbuf;

/* What kind of thing it is, so that a component recognises its own. */
enum file_type {
	DTYPE_VNODE,
	DTYPE_SOCKET,
	DTYPE_PIPE,
	DTYPE_EVENTFD,
	DTYPE_EPOLL,
	DTYPE_TIMERFD,
	DTYPE_SIGNALFD,
	DTYPE_CONSOLE,
	DTYPE_MISC
};

/*
 * Operations.  All may sleep.  A NULL one gives the error in brackets.
 * fo_read/fo_write [EINVAL]: *offset semantics as pread/pwrite: `offset` points at
 *   f_offset (locked by the caller) or at the caller's own; objects without a
 *   position ignore it.  Non-blocking by f_flags & O_NONBLOCK: EAGAIN.  A short
 *   transfer leaves uio_resid above zero and returns 0.
 * fo_ioctl [ENOTTY]: data is the program's pointer.
 * fo_poll [always ready]: which of `events` (POLLIN ...) are true now; if pt is not
 *   NULL, register it with every selinfo that may make them true (poll_record).
 * fo_stat [EBADF]  fo_seek [ESPIPE]  fo_mmap [ENODEV]  fo_truncate [EINVAL]
 * fo_peek [copy]: sources of sendfile: *ext describes memory that holds the bytes at off (at most
 *   len; fe_len 0 at the end of the file), which stays as it is until fe_release(fe_arg).
 * fo_sendpage [copy]: sinks of sendfile: sends ext's first *sent bytes.  Takes ext over, also
 *   on failure: fe_release is called once, when the bytes are no longer needed.  more: further
 *   data follows at once.  Waits, or EAGAIN, as fo_write.
 */
struct polltable;
struct file_extent {
	const void *fe_addr;
	size_t fe_len;
	void (*fe_release)(void *arg); /* may be NULL; any context but interrupt handlers */
	void *fe_arg;
};
struct fileops {
	int (*fo_read)(struct file *fp, int64_t *offset, struct uio *uio);
	int (*fo_write)(struct file *fp, int64_t *offset, struct uio *uio);
	int (*fo_ioctl)(struct file *fp, unsigned long cmd, void *data);
	int (*fo_poll)(struct file *fp, int events, struct polltable *pt);
	int (*fo_stat)(struct file *fp, struct stat *st);
	int (*fo_seek)(struct file *fp, int64_t delta, int whence, int64_t *newoff);
	int (*fo_truncate)(struct file *fp, int64_t length);
	int (*fo_mmap)(struct file *fp, uint64_t off, size_t len, int prot, int flags,
	    struct vm_object **objp);
	int (*fo_peek)(struct file *fp, int64_t off, size_t len, struct file_extent *ext);
	int (*fo_sendpage)(struct file *fp, const struct file_extent *ext, bool more, size_t *sent);
	int (*fo_setfl)(struct file *fp, int flags); /* O_NONBLOCK, O_APPEND changed; may be NULL */
	void (*fo_close)(struct file *fp);	     /* last reference; cannot fail */
};

struct file {
	const struct fileops *f_ops;
	void *f_data; /* the component's own */
	enum file_type f_type;
	volatile uint32_t f_count; /* references, atomic */
	volatile uint32_t f_flags; /* open(2)'s O_ flags: access mode, O_NONBLOCK, O_APPEND ... */
	int64_t f_offset;	   /* under f_lock */
	kmutex_t f_lock;	   /* position of reads and writes */
	void *f_epoll;		   /* epoll's registrations on this file; kern/epoll */
};

/* A new file with one reference, no descriptor.  ENFILE/ENOMEM. */
int file_alloc(
    const struct fileops *ops, enum file_type type, int flags, void *data, struct file **fpp);
/* One more reference; the caller has one. */
void file_ref(struct file *fp);
/* Drop one; the last closes. */
void file_rele(struct file *fp);

/* Set by kern/epoll: called before fo_close of a file that is being watched. */
extern void (*file_epoll_gone)(struct file *fp);

#define FD_LIMIT 65536	   /* RLIMIT_NOFILE at first */
#define FD_MAX	 (1 << 20) /* it can be raised to this */
/* The limit: new descriptors are below it.  kern/proc changes it. */
extern volatile int fd_limit;

/* Lowest free descriptor >= min for fp (takes over the caller's reference).  EMFILE, ENOMEM. */
int fd_alloc(struct file *fp, int min, bool cloexec, int *fdp);
/* Look up, with a reference that fd_putfile()/file_rele() drops.  EBADF. */
int fd_getfile(int fd, struct file **fpp);
static inline void fd_putfile(struct file *fp)
{
	file_rele(fp);
}
/* As fd_getfile, but ENOTSOCK etc. when the type differs (error given by the caller). */
int fd_gettype(int fd, enum file_type type, int error, struct file **fpp);
int fd_close(int fd);
/* New file and its descriptor in one go; on failure nothing is left (fo_close is not called). */
int fd_open(const struct fileops *ops, enum file_type type, int flags, void *data, int *fdp);
/*
 * The same in two steps, for what must not be begun without a descriptor for it: nobody can look
 * *fdp up until fd_commit() says what *fpp is about, which cannot fail.  ENFILE, EMFILE, ENOMEM.
 */
int fd_prepare(
    const struct fileops *ops, enum file_type type, int flags, struct file **fpp, int *fdp);
void fd_commit(int fd, struct file *fp, void *data);
/* Instead of fd_commit(): as if there had been no fd_prepare(). */
void fd_cancel(int fd, struct file *fp);

#endif
