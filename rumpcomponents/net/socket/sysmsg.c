/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that move data: send and receive in all their forms. */
#include <fcntl.h>
#include <limits.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/sysproto.h>
#include "socket_impl.h"

#define RW_MAX	    0x7ffff000UL
#define CONTROL_MAX 4096U
#define SMALL_IOV   8

static int send1(struct file *fp, struct uio *uio, struct sockmsg *sm)
{
	struct socket *so = fp->f_data;
	int error;

	sm->sm_flags |= sofile_dontwait(fp);
	error = so->so_proto->pr_sosend(so, uio, sm);
	if (error == EPIPE && so->so_proto->pr_type != SOCK_DGRAM && !(sm->sm_flags & MSG_NOSIGNAL))
		sosigpipe();
	return error;
}

long do_sys_sendto(
    int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, unsigned tolen)
{
	struct sockmsg sm = {.sm_flags = flags};
	struct sockaddr_storage ss;
	struct socket *so;
	struct file *fp;
	struct iovec iov;
	struct uio uio;
	int error = sogetfd(fd, &fp, &so);

	if (error)
		return sysret(error, 0);
	len = KMIN(len, RW_MAX);
	if (to) {
		error = sogetaddr(to, tolen, &ss);
		sm.sm_name = (struct sockaddr *)&ss;
		sm.sm_namelen = tolen;
	}
	uio_init1(&uio, &iov, (void *)(uintptr_t)buf, len, UIO_WRITE, UIO_USERSPACE);
	if (!error)
		error = send1(fp, &uio, &sm);
	fd_putfile(fp);
	return sysret(error, (long)(len - uio.uio_resid));
}

long do_sys_recvfrom(
    int fd, void *buf, size_t len, int flags, struct sockaddr *from, unsigned *fromlen)
{
	struct sockmsg sm = {.sm_flags = flags};
	struct sockaddr_storage ss;
	struct socket *so;
	struct file *fp;
	struct iovec iov;
	struct uio uio;
	int error = sogetfd(fd, &fp, &so);

	if (error)
		return sysret(error, 0);
	len = KMIN(len, RW_MAX);
	if (from)
		sm.sm_name = (struct sockaddr *)&ss;
	sm.sm_flags |= sofile_dontwait(fp);
	uio_init1(&uio, &iov, buf, len, UIO_READ, UIO_USERSPACE);
	error = so->so_proto->pr_soreceive(so, &uio, &sm);
	if (!error && from)
		error = soputaddr(&ss, sm.sm_namelen, from, fromlen);
	fd_putfile(fp);
	len -= uio.uio_resid;
	if (sm.sm_truelen && (flags & MSG_TRUNC))
		len = sm.sm_truelen;
	return sysret(error, (long)len);
}

/* ---------------------------------------------------------- struct msghdr */

/* The kernel's view of a msghdr; big parts are allocated. */
struct message {
	struct msghdr hdr;
	struct sockaddr_storage name;
	struct iovec small[SMALL_IOV], *iov;
	size_t niov;
	void *control;
	struct uio uio;
	size_t len;
};

static void message_free(struct message *mg)
{
	if (mg->iov && mg->iov != mg->small)
		kmem_free(mg->iov, mg->niov * sizeof(*mg->iov));
	if (mg->control)
		kmem_free(mg->control, CONTROL_MAX);
}

static int message_iov(struct message *mg, enum uio_rw rw)
{
	size_t n = (size_t)mg->hdr.msg_iovlen, i;
	int error;

	if (n > IOV_MAX)
		return EMSGSIZE;
	mg->iov = mg->small;
	if (n > SMALL_IOV) {
		mg->iov = kmem_alloc(n * sizeof(*mg->iov));
		mg->niov = n;
		if (!mg->iov)
			return ENOMEM;
	}
	error = n ? copyin(mg->hdr.msg_iov, mg->iov, n * sizeof(*mg->iov)) : 0;
	if (error)
		return error;
	for (i = 0; i < n; i++) {
		if ((ssize_t)mg->iov[i].iov_len < 0)
			return EINVAL;
		mg->len += KMIN(mg->iov[i].iov_len, RW_MAX);
	}
	mg->len = KMIN(mg->len, RW_MAX);
	mg->uio = (struct uio){mg->iov, (int)n, 0, mg->len, rw, UIO_USERSPACE};
	return 0;
}

/* Copy in the header and what it points at.  *mg is zeroed but for the names and small iovecs. */
static int message_in(struct message *mg, const struct msghdr *umsg, enum uio_rw rw)
{
	int error;

	mg->iov = NULL;
	mg->niov = 0;
	mg->control = NULL;
	mg->len = 0;
	error = copyin(umsg, &mg->hdr, sizeof(mg->hdr));
	if (error)
		return error;
	if (mg->hdr.msg_name && (int)mg->hdr.msg_namelen < 0)
		return EINVAL;
	if (mg->hdr.msg_control && mg->hdr.msg_controllen > 0) {
		mg->control = kmem_zalloc(CONTROL_MAX);
		if (!mg->control)
			return ENOMEM;
	}
	error = message_iov(mg, rw);
	if (!error && rw == UIO_WRITE && mg->control) {
		if (mg->hdr.msg_controllen > CONTROL_MAX)
			return ENOBUFS;
		error = copyin(mg->hdr.msg_control, mg->control, mg->hdr.msg_controllen);
	}
	return error;
}

static int send_message(struct file *fp, const struct msghdr *umsg, int flags, size_t *done)
{
	struct sockmsg sm = {.sm_flags = flags};
	struct message mg;
	int error = message_in(&mg, umsg, UIO_WRITE);

	if (!error && mg.hdr.msg_name && mg.hdr.msg_namelen > 0) {
		error = sogetaddr(
		    mg.hdr.msg_name, KMIN(mg.hdr.msg_namelen, (unsigned)sizeof(mg.name)), &mg.name);
		sm.sm_name = (struct sockaddr *)&mg.name;
		sm.sm_namelen = KMIN(mg.hdr.msg_namelen, (unsigned)sizeof(mg.name));
	}
	if (!error && mg.control) {
		sm.sm_control = mg.control;
		sm.sm_controllen = (unsigned)mg.hdr.msg_controllen;
	}
	if (!error) {
		error = send1(fp, &mg.uio, &sm);
		*done = mg.len - mg.uio.uio_resid;
	}
	message_free(&mg);
	return error;
}

static int recv_message(struct file *fp, struct msghdr *umsg, int flags, size_t *done)
{
	struct socket *so = fp->f_data;
	struct sockmsg sm = {.sm_flags = flags | sofile_dontwait(fp)};
	struct message mg;
	int error = message_in(&mg, umsg, UIO_READ);

	if (!error) {
		if (mg.hdr.msg_name)
			sm.sm_name = (struct sockaddr *)&mg.name;
		sm.sm_control = mg.control;
		sm.sm_controlroom =
		    mg.control ? (unsigned)KMIN((size_t)mg.hdr.msg_controllen, (size_t)CONTROL_MAX)
			       : 0;
		error = so->so_proto->pr_soreceive(so, &mg.uio, &sm);
	}
	if (!error) {
		*done = mg.len - mg.uio.uio_resid;
		if (sm.sm_truelen && (flags & MSG_TRUNC))
			*done = sm.sm_truelen;
		if (mg.hdr.msg_name) {
			error = copyout(
			    &mg.name, mg.hdr.msg_name, KMIN(mg.hdr.msg_namelen, sm.sm_namelen));
			mg.hdr.msg_namelen = sm.sm_namelen;
		}
	}
	if (!error && sm.sm_controllen > 0)
		error = copyout(mg.control, mg.hdr.msg_control, sm.sm_controllen);
	if (!error) {
		mg.hdr.msg_controllen = sm.sm_controllen;
		mg.hdr.msg_flags = sm.sm_outflags | (flags & MSG_CMSG_CLOEXEC);
		error = copyout(&mg.hdr, umsg, sizeof(mg.hdr));
	}
	message_free(&mg);
	return error;
}

long do_sys_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct socket *so;
	struct file *fp;
	size_t done = 0;
	int error = sogetfd(fd, &fp, &so);

	if (error)
		return sysret(error, 0);
	error = send_message(fp, msg, flags, &done);
	fd_putfile(fp);
	return sysret(error, (long)done);
}

long do_sys_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct socket *so;
	struct file *fp;
	size_t done = 0;
	int error = sogetfd(fd, &fp, &so);

	if (error)
		return sysret(error, 0);
	error = recv_message(fp, msg, flags, &done);
	fd_putfile(fp);
	return sysret(error, (long)done);
}

long do_sys_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, unsigned flags)
{
	struct socket *so;
	struct file *fp;
	unsigned i, len;
	size_t done;
	int error = sogetfd(fd, &fp, &so);

	if (error)
		return sysret(error, 0);
	n = KMIN(n, (unsigned)IOV_MAX);
	for (i = 0; i < n; i++) {
		done = 0;
		error = send_message(fp, &msgs[i].msg_hdr, (int)flags, &done);
		if (!error) {
			len = (unsigned)done;
			error = copyout(&len, &msgs[i].msg_len, sizeof(len));
		}
		if (error)
			break;
	}
	fd_putfile(fp);
	return sysret(i > 0 ? 0 : error, (long)i);
}

long do_sys_recvmmsg(
    int fd, struct mmsghdr *msgs, unsigned n, unsigned flags, struct timespec *timeout)
{
	struct timespec ts;
	struct socket *so;
	struct file *fp;
	uint64_t deadline = UINT64_MAX;
	unsigned i, len;
	size_t done;
	int error = 0;

	if (timeout) {
		error = copyin(timeout, &ts, sizeof(ts));
		if (!error)
			error = timespec_to_ns(&ts, &deadline);
		if (!error && deadline < UINT64_MAX / 2)
			deadline += nanouptime();
	}
	if (!error)
		error = sogetfd(fd, &fp, &so);
	if (error)
		return sysret(error, 0);
	n = KMIN(n, (unsigned)IOV_MAX);
	for (i = 0; i < n; i++) {
		done = 0;
		error = recv_message(fp, &msgs[i].msg_hdr, (int)flags & ~MSG_WAITFORONE, &done);
		if (!error) {
			len = (unsigned)done;
			error = copyout(&len, &msgs[i].msg_len, sizeof(len));
		}
		if (error)
			break;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		/* As on Linux, looked at only after a datagram. */
		if (timeout && nanouptime() >= deadline) {
			i++;
			break;
		}
	}
	fd_putfile(fp);
	return sysret(i > 0 ? 0 : error, (long)i);
}
