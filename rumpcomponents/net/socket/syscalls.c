/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls about sockets, but for those that move data (sysmsg.c). */
#include <fcntl.h>
#include <kern/sysproto.h>
#include "socket_impl.h"

#define TYPE_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)

int sogetfd(int fd, struct file **fpp, struct socket **sop)
{
	int error = fd_gettype(fd, DTYPE_SOCKET, ENOTSOCK, fpp);

	if (!error)
		*sop = (*fpp)->f_data;
	return error;
}

int sogetaddr(const void *uaddr, unsigned len, struct sockaddr_storage *ss)
{
	if (len > sizeof(*ss) || len < sizeof(sa_family_t))
		return EINVAL;
	return copyin(uaddr, ss, len);
}

int soputaddr(const struct sockaddr_storage *ss, unsigned len, void *uaddr, unsigned *ulen)
{
	unsigned room;
	int error;

	if (!uaddr)
		return 0;
	error = copyin(ulen, &room, sizeof(room));
	if (error)
		return error;
	if ((int)room < 0)
		return EINVAL;
	error = copyout(ss, uaddr, KMIN(room, len));
	return error ? error : copyout(&len, ulen, sizeof(len));
}

long do_sys_socket(int domain, int type, int protocol)
{
	struct socket *so;
	int flags = type & TYPE_FLAGS, fd = -1, error;

	if ((type & ~TYPE_FLAGS) & ~0xf)
		return -EINVAL;
	error = socreate(domain, type & 0xf, protocol, &so);
	if (!error) {
		error = sofile(so, flags, &fd);
		if (error)
			soclose(so);
	}
	return sysret(error, fd);
}

long do_sys_socketpair(int domain, int type, int protocol, int *fds)
{
	struct socket *a, *b;
	int flags = type & TYPE_FLAGS, fd[2], error;

	if ((type & ~TYPE_FLAGS) & ~0xf)
		return -EINVAL;
	error = socreate(domain, type & 0xf, protocol, &a);
	if (error)
		return sysret(error, 0);
	error = socreate(domain, type & 0xf, protocol, &b);
	if (error) {
		soclose(a);
		return sysret(error, 0);
	}
	error = a->so_proto->pr_connect2 ? a->so_proto->pr_connect2(a, b) : EOPNOTSUPP;
	if (!error)
		error = sofile(a, flags, &fd[0]);
	if (error) {
		soclose(a);
		soclose(b);
		return sysret(error, 0);
	}
	error = sofile(b, flags, &fd[1]);
	if (error) {
		fd_close(fd[0]);
		soclose(b);
		return sysret(error, 0);
	}
	error = copyout(fd, fds, sizeof(fd));
	if (error) {
		fd_close(fd[0]);
		fd_close(fd[1]);
	}
	return sysret(error, 0);
}

long do_sys_bind(int fd, const struct sockaddr *name, unsigned namelen)
{
	struct sockaddr_storage ss;
	struct socket *so;
	struct file *fp;
	int error = sogetfd(fd, &fp, &so);

	if (error)
		return sysret(error, 0);
	error = sogetaddr(name, namelen, &ss);
	if (!error && !so->so_proto->pr_bind)
		error = EOPNOTSUPP;
	if (!error) {
		mutex_enter(so->so_lock);
		error = so->so_proto->pr_bind(so, (struct sockaddr *)&ss, namelen);
		mutex_exit(so->so_lock);
	}
	fd_putfile(fp);
	return sysret(error, 0);
}

#define SOMAXCONN_MAX 4096

long do_sys_listen(int fd, int backlog)
{
	struct socket *so;
	struct file *fp;
	int error = sogetfd(fd, &fp, &so);

	if (error)
		return sysret(error, 0);
	mutex_enter(so->so_lock);
	if (!so->so_proto->pr_listen)
		error = EOPNOTSUPP;
	else if (so->so_state & (SS_ISCONNECTED | SS_ISCONNECTING))
		error = EINVAL;
	else
		error = so->so_proto->pr_listen(so);
	if (!error) {
		/* As Linux: one more than asked for. */
		so->so_qlimit =
		    backlog < 0 || backlog > SOMAXCONN_MAX ? SOMAXCONN_MAX : (uint32_t)backlog + 1;
		so->so_state |= SS_LISTENING;
		LOCKDEBUG_MUTEX_CLASS(&so->so_mutex, "so_mutex of listeners");
	}
	mutex_exit(so->so_lock);
	fd_putfile(fp);
	return sysret(error, 0);
}

/* The next connection of a listener, with the queue's reference. */
static int accept_wait(struct socket *so, bool nowait, struct socket **sop)
{
	int error = 0;

	mutex_enter(so->so_lock);
	for (;;) {
		if (!(so->so_state & SS_LISTENING)) {
			error = so->so_proto->pr_listen ? EINVAL : EOPNOTSUPP;
			break;
		}
		*sop = TAILQ_FIRST(&so->so_queue);
		if (*sop) {
			TAILQ_REMOVE(&so->so_queue, *sop, so_qentry);
			so->so_qlen--;
			/* Who waits to get into the queue: pr_connwait. */
			if (cv_has_waiters(&so->so_snd.sb_cv))
				cv_broadcast(&so->so_snd.sb_cv);
			break;
		}
		error = so->so_state & SS_CANTRCVMORE ? EINVAL
			: nowait		      ? EAGAIN
						      : sbwait(so, &so->so_rcv);
		if (error)
			break;
	}
	mutex_exit(so->so_lock);
	return error;
}

/* The name of the other end, as accept() tells it. */
static int accept_name(struct socket *child, struct sockaddr *name, unsigned *namelen)
{
	struct sockaddr_storage ss;
	unsigned len = 0;
	int error;

	memset(&ss, 0, sizeof(ss));
	mutex_enter(child->so_lock);
	error = child->so_proto->pr_name(child, (struct sockaddr *)&ss, &len, true);
	mutex_exit(child->so_lock);
	if (error) { /* it has gone already */
		ss.ss_family = child->so_proto->pr_domain;
		len = sizeof(struct sockaddr);
	}
	return soputaddr(&ss, len, name, namelen);
}

/* The descriptor comes first: a connection that has been taken cannot be put back. */
long do_sys_accept4(int fd, struct sockaddr *name, unsigned *namelen, int flags)
{
	struct socket *so, *child = NULL;
	struct file *fp, *newfp;
	int newfd, error;

	if (flags & ~TYPE_FLAGS)
		return -EINVAL;
	error = sogetfd(fd, &fp, &so);
	if (error)
		return sysret(error, 0);
	error = fd_prepare(&sofileops, DTYPE_SOCKET, sofile_flags(flags), &newfp, &newfd);
	if (error) {
		fd_putfile(fp);
		return sysret(error, 0);
	}
	error = accept_wait(so, fp->f_flags & O_NONBLOCK, &child);
	fd_putfile(fp);
	if (!error && name)
		error = accept_name(child, name, namelen);
	if (!error) {
		fd_commit(newfd, newfp, child);
		return newfd;
	}
	fd_cancel(newfd, newfp);
	if (child)
		soclose(child);
	return sysret(error, 0);
}

long do_sys_accept(int fd, struct sockaddr *name, unsigned *namelen)
{
	return do_sys_accept4(fd, name, namelen, 0);
}

/* Wait for a connection that is under way.  => locked. */
static int connect_wait(struct socket *so, bool nowait)
{
	int error;

	if (nowait)
		return EINPROGRESS;
	while ((so->so_state & SS_ISCONNECTING) && !so->so_error) {
		error = sbwait(so, &so->so_snd);
		if (error)
			return error == EAGAIN ? EINPROGRESS : error;
	}
	error = sogeterror(so);
	return error ? error : so->so_state & SS_ISCONNECTED ? 0 : ECONNABORTED;
}

static int connect_once(struct socket *so, struct sockaddr *sa, unsigned len, bool nowait)
{
	int error;

	if (so->so_state & SS_LISTENING)
		return so->so_proto->pr_domain == AF_UNIX ? EINVAL : EISCONN;
	if (so->so_proto->pr_flags & PR_CONNREQUIRED) {
		if (so->so_state & SS_ISCONNECTED)
			return EISCONN;
		if (so->so_state & SS_ISCONNECTING)
			return nowait ? EALREADY : connect_wait(so, false);
		error = sogeterror(so);
		if (error)
			return error;
	}
	error = so->so_proto->pr_connect(so, sa, len);
	return error == EINPROGRESS ? connect_wait(so, nowait) : error;
}

static int connect_locked(struct socket *so, struct sockaddr *sa, unsigned len, bool nowait)
{
	int error;

	do
		error = connect_once(so, sa, len, nowait);
	while (error == EAGAIN && !nowait && so->so_proto->pr_connwait &&
	       (error = so->so_proto->pr_connwait(so, sa, len)) == 0);
	return error;
}

long do_sys_connect(int fd, const struct sockaddr *name, unsigned namelen)
{
	struct sockaddr_storage ss;
	struct socket *so;
	struct file *fp;
	int error = sogetfd(fd, &fp, &so);

	if (error)
		return sysret(error, 0);
	error = sogetaddr(name, namelen, &ss);
	if (!error && !so->so_proto->pr_connect)
		error = EOPNOTSUPP;
	if (!error) {
		mutex_enter(so->so_lock);
		error =
		    connect_locked(so, (struct sockaddr *)&ss, namelen, fp->f_flags & O_NONBLOCK);
		mutex_exit(so->so_lock);
	}
	fd_putfile(fp);
	return sysret(error, 0);
}

long do_sys_shutdown(int fd, int how)
{
	struct socket *so;
	struct file *fp;
	int error = sogetfd(fd, &fp, &so);

	if (error)
		return sysret(error, 0);
	mutex_enter(so->so_lock);
	if (how < SHUT_RD || how > SHUT_RDWR)
		error = EINVAL;
	else if (!(so->so_state & SS_LISTENING) &&
		 !(so->so_state & (SS_ISCONNECTED | SS_ISCONNECTING)))
		error = ENOTCONN;
	else
		error = so->so_proto->pr_shutdown ? so->so_proto->pr_shutdown(so, how) : EOPNOTSUPP;
	if (!error && how != SHUT_WR)
		socantrcvmore(so);
	if (!error && how != SHUT_RD)
		socantsendmore(so);
	mutex_exit(so->so_lock);
	fd_putfile(fp);
	return sysret(error, 0);
}

static long getname(int fd, struct sockaddr *name, unsigned *namelen, bool peer)
{
	struct sockaddr_storage ss;
	struct socket *so;
	struct file *fp;
	unsigned len = 0;
	int error = sogetfd(fd, &fp, &so);

	if (error)
		return sysret(error, 0);
	memset(&ss, 0, sizeof(ss));
	mutex_enter(so->so_lock);
	error = so->so_proto->pr_name(so, (struct sockaddr *)&ss, &len, peer);
	mutex_exit(so->so_lock);
	if (!error)
		error = name ? soputaddr(&ss, len, name, namelen) : EFAULT;
	fd_putfile(fp);
	return sysret(error, 0);
}

long do_sys_getsockname(int fd, struct sockaddr *name, unsigned *namelen)
{
	return getname(fd, name, namelen, false);
}

long do_sys_getpeername(int fd, struct sockaddr *name, unsigned *namelen)
{
	return getname(fd, name, namelen, true);
}

long do_sys_setsockopt(int fd, int level, int name, const void *value, unsigned len)
{
	union {
		char bytes[256];
		long align;
	} u;
	struct socket *so;
	struct file *fp;
	int error = sogetfd(fd, &fp, &so);

	if (error)
		return sysret(error, 0);
	if ((int)len < 0)
		error = EINVAL;
	len = KMIN(len, (unsigned)sizeof(u));
	if (!error && len > 0)
		error = copyin(value, &u, len);
	if (!error)
		error = sosetopt(so, level, name, &u, len);
	fd_putfile(fp);
	return sysret(error, 0);
}

long do_sys_getsockopt(int fd, int level, int name, void *value, unsigned *ulen)
{
	union {
		char bytes[256];
		long align;
	} u;
	struct socket *so;
	struct file *fp;
	unsigned len;
	int error = sogetfd(fd, &fp, &so);

	if (error)
		return sysret(error, 0);
	error = copyin(ulen, &len, sizeof(len));
	if (!error && (int)len < 0)
		error = EINVAL;
	if (!error) {
		memset(&u, 0, sizeof(u));
		len = KMIN(len, (unsigned)sizeof(u));
		error = sogetopt(so, level, name, &u, &len);
	}
	if (!error)
		error = copyout(&u, value, len);
	if (!error)
		error = copyout(&len, ulen, sizeof(len));
	fd_putfile(fp);
	return sysret(error, 0);
}
