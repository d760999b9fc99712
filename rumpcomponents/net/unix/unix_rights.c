/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What travels along with data: descriptors (SCM_RIGHTS), the sender's name and credentials.
 *
 * Descriptors under way are counted and limited: sockets sent over themselves can
 * make a cycle that is never freed, and must not eat the machine.
 */
#include <kern/cpu.h>
#include "unix_impl.h"

#define INFLIGHT_MAX 4096U

static volatile uint32_t inflight;

/*
 * A socket that is closed because it did not arrive may hold others that did not arrive, and so on,
 * thousands deep.  So only the outermost unix_free_aux() of an lwp closes anything: those that it
 * causes leave their work on its list.
 */
struct reaper {
	LIST_ENTRY(reaper) r_entry;
	struct lwp *r_lwp;
	struct unix_aux *r_list; /* r_lwp's own */
};
static LIST_HEAD(, reaper) reapers = LIST_HEAD_INITIALIZER(reapers); /* unix_lock */

static struct reaper *my_reaper(void)
{
	struct reaper *r;

	mutex_enter(&unix_lock);
	LIST_FOREACH (r, &reapers, r_entry)
		if (r->r_lwp == curlwp)
			break;
	mutex_exit(&unix_lock);
	return r;
}

static void close_files(struct unix_aux *aux)
{
	unsigned i, n = aux->ua_nfiles;

	for (i = 0; i < n; i++)
		if (aux->ua_files[i])
			file_rele(aux->ua_files[i]);
	__atomic_sub_fetch(&inflight, n, __ATOMIC_RELAXED);
	kmem_free(aux, sizeof(*aux) + n * sizeof(aux->ua_files[0]));
}

void unix_free_aux(struct unix_aux *aux)
{
	struct reaper mine = {.r_lwp = curlwp}, *outer;

	if (!aux)
		return;
	if (aux->ua_nfiles == 0) {
		close_files(aux);
		return;
	}
	outer = my_reaper();
	if (outer) {
		aux->ua_next = outer->r_list;
		outer->r_list = aux;
		return;
	}
	mutex_enter(&unix_lock);
	LIST_INSERT_HEAD(&reapers, &mine, r_entry);
	mutex_exit(&unix_lock);
	aux->ua_next = NULL;
	for (mine.r_list = aux; (aux = mine.r_list) != NULL;) {
		mine.r_list = aux->ua_next;
		close_files(aux);
	}
	mutex_enter(&unix_lock);
	LIST_REMOVE(&mine, r_entry);
	mutex_exit(&unix_lock);
}

/* The descriptors of the SCM_RIGHTS messages; NULL for none.  EINVAL, EBADF, ETOOMANYREFS. */
static int find_rights(const struct sockmsg *sm, const uint8_t **fds, unsigned *n)
{
	const uint8_t *p = sm->sm_control;
	size_t left = sm->sm_controllen;
	struct cmsghdr cm;

	*n = 0;
	while (p && left >= sizeof(cm)) {
		memcpy(&cm, p, sizeof(cm));
		if (cm.cmsg_len < sizeof(cm) || cm.cmsg_len > left)
			return EINVAL;
		if (cm.cmsg_level == SOL_SOCKET && cm.cmsg_type == SCM_RIGHTS) {
			if (*n > 0)
				return EINVAL;
			*fds = p + CMSG_LEN(0);
			*n = (unsigned)((cm.cmsg_len - CMSG_LEN(0)) / sizeof(int));
			if (*n > UNIX_FILES_MAX)
				return EINVAL;
		} else if (cm.cmsg_level != SOL_SOCKET || cm.cmsg_type != SCM_CREDENTIALS) {
			return EINVAL;
		}
		if (CMSG_ALIGN(cm.cmsg_len) >= left)
			break;
		left -= CMSG_ALIGN(cm.cmsg_len);
		p += CMSG_ALIGN(cm.cmsg_len);
	}
	return 0;
}

int unix_take_control(const struct sockmsg *sm, const struct unixpcb *from, struct unix_aux **auxp)
{
	bool named = from->unp_namelen > 0 && from->unp_socket.so_proto->pr_type == SOCK_DGRAM;
	const uint8_t *fds = NULL;
	struct unix_aux *aux;
	unsigned n, i;
	int fd, error = find_rights(sm, &fds, &n);

	*auxp = NULL;
	if (error || (n == 0 && !named))
		return error;
	if (__atomic_add_fetch(&inflight, n, __ATOMIC_RELAXED) > INFLIGHT_MAX)
		error = ETOOMANYREFS;
	aux = error ? NULL : kmem_zalloc(sizeof(*aux) + n * sizeof(aux->ua_files[0]));
	if (!aux) {
		__atomic_sub_fetch(&inflight, n, __ATOMIC_RELAXED);
		return error ? error : ENOMEM;
	}
	aux->ua_nfiles = n;
	for (i = 0; i < n && !error; i++) {
		memcpy(&fd, fds + i * sizeof(fd), sizeof(fd));
		error = fd_getfile(fd, &aux->ua_files[i]);
		if (error)
			aux->ua_files[i] = NULL;
	}
	if (error) {
		unix_free_aux(aux);
		return error;
	}
	if (named) {
		aux->ua_name = from->unp_name;
		aux->ua_namelen = from->unp_namelen;
	}
	*auxp = aux;
	return 0;
}

void unix_give_control(struct unix_aux *aux, struct sockmsg *sm)
{
	int fds[UNIX_FILES_MAX];
	unsigned i, n, room = 0;

	if (sm->sm_control && sm->sm_controlroom > sm->sm_controllen + CMSG_LEN(0))
		room = (sm->sm_controlroom - sm->sm_controllen - (unsigned)CMSG_LEN(0)) /
		       (unsigned)sizeof(int);
	n = KMIN(aux->ua_nfiles, room);
	for (i = 0; i < n; i++) {
		if (fd_alloc(aux->ua_files[i], 0, sm->sm_flags & MSG_CMSG_CLOEXEC, &fds[i]) != 0)
			break;
		aux->ua_files[i] = NULL;
	}
	if (i > 0)
		soaddcontrol(sm, SOL_SOCKET, SCM_RIGHTS, fds, i * (unsigned)sizeof(int));
	if (i < aux->ua_nfiles)
		sm->sm_outflags |= MSG_CTRUNC;
	unix_free_aux(aux);
}
