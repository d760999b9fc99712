/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of unix-domain sockets: a table of those that are bound, abstract names and paths alike.
 * If the image can make special files, a path gets one, so that the program finds, changes and
 * removes it; and a path that has been removed is not found any more.  Paths are
 * compared as the program wrote them.
 */
#include <sys/stat.h>
#include <kern/random.h>
#include <kern/sysproto.h>
#include "unix_impl.h"

#define NAME_OFFSET offsetof(struct sockaddr_un, sun_path)

#pragma weak do_sys_mknod
#pragma weak do_sys_access

static LIST_HEAD(, unixpcb) names = LIST_HEAD_INITIALIZER(names); /* unix_lock */

/* Check, and bring a path to its form: NUL-terminated, counted with the NUL. */
static int take_name(
    const struct sockaddr *sa, unsigned len, struct sockaddr_un *sun, unsigned *outlen)
{
	size_t n;

	if (len < NAME_OFFSET || len > sizeof(*sun) || sa->sa_family != AF_UNIX)
		return EINVAL;
	memset(sun, 0, sizeof(*sun));
	memcpy(sun, sa, len);
	*outlen = len;
	if (len > NAME_OFFSET && sun->sun_path[0] != '\0') {
		n = strnlen(sun->sun_path, len - NAME_OFFSET);
		if (n == sizeof(sun->sun_path))
			return EINVAL; /* Linux takes it; we want the NUL */
		*outlen = (unsigned)(NAME_OFFSET + n + 1);
	}
	return 0;
}

static struct unixpcb *find(const struct sockaddr_un *sun, unsigned len)
{
	struct unixpcb *u;

	LIST_FOREACH (u, &names, unp_names)
		if (u->unp_namelen == len && memcmp(&u->unp_name, sun, len) == 0)
			return u;
	return NULL;
}

static void autobind(struct sockaddr_un *sun, unsigned *len)
{
	do {
		sun->sun_path[0] = '\0';
		ksnprintf(sun->sun_path + 1, 6, "%05x", (unsigned)(random_u32() & 0xfffff));
		*len = (unsigned)NAME_OFFSET + 6;
	} while (find(sun, *len));
}

void unix_unbind(struct unixpcb *unp)
{
	if (unp->unp_bound)
		LIST_REMOVE(unp, unp_names);
	unp->unp_bound = false;
}

int unix_bind(struct socket *so, const struct sockaddr *sa, unsigned len)
{
	struct unixpcb *unp = so_unixpcb(so), *old;
	struct sockaddr_un sun;
	unsigned n;
	int error = take_name(sa, len, &sun, &n);

	if (error)
		return error;
	if (unp->unp_namelen > 0)
		return EINVAL;
	if (n == NAME_OFFSET)
		autobind(&sun, &n);
	old = find(&sun, n);
	if (sun.sun_path[0] != '\0' && do_sys_mknod) {
		long r = do_sys_mknod(sun.sun_path, S_IFSOCK | 0777, 0);

		if (r < 0)
			return r == -EEXIST ? EADDRINUSE : (int)-r;
		/* The path was free: who had the name before has lost it. */
		if (old)
			unix_unbind(old);
	} else if (old) {
		return EADDRINUSE;
	}
	unp->unp_name = sun;
	unp->unp_namelen = n;
	unp->unp_bound = true;
	LIST_INSERT_HEAD(&names, unp, unp_names);
	return 0;
}

int unix_lookup(const struct sockaddr *sa, unsigned len, int type, struct unixpcb **up)
{
	struct sockaddr_un sun;
	unsigned n;
	int error = take_name(sa, len, &sun, &n);

	if (error)
		return error;
	if (n == NAME_OFFSET)
		return EINVAL;
	*up = find(&sun, n);
	if (sun.sun_path[0] != '\0') {
		if (do_sys_mknod && do_sys_access && do_sys_access(sun.sun_path, 0) != 0)
			return ENOENT;
		if (!*up && !(do_sys_mknod && do_sys_access))
			return ENOENT;
	}
	if (!*up)
		return ECONNREFUSED;
	return (*up)->unp_socket.so_proto->pr_type == type ? 0 : EPROTOTYPE;
}
