/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenstore: the tree of strings through which Xen's domains and their tools agree on things
 * (docs/misc/xenstore.txt of Xen; the wire format is <xen/io/xs_wire.h>).
 *
 * Paths are absolute ("/local/domain/0/...") or relative to this domain's directory
 * ("device/vif/0").  Every call sends a request and sleeps until its answer comes, so none may
 * be made from an interrupt or soft interrupt.  Errors: what the store answers, turned into ours
 * (ENOENT, EACCES, EINVAL, EAGAIN ...); ENAMETOOLONG a path too long for the protocol; ENOMEM;
 * EIO an answer that makes no sense; ENXIO no store.
 */
#ifndef DEV_XENSTORE_H
#define DEV_XENSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define XENSTORE_PATH_MAX 256 /* of paths that our own code makes, NUL included */

/* No transaction: each call stands for itself. */
#define XST_NIL 0U

/*
 * The value of dir/node (dir alone if node is NULL) as a string in buf; E2BIG if it and its NUL
 * don't fit in size.
 */
int xenstore_read(uint32_t tx, const char *dir, const char *node, char *buf, size_t size);
/* The same as a decimal number; EINVAL if it is none or too large for *value. */
int xenstore_read_uint(uint32_t tx, const char *dir, const char *node, uint64_t *value);
int xenstore_write(uint32_t tx, const char *dir, const char *node, const char *value);
int xenstore_write_uint(uint32_t tx, const char *dir, const char *node, uint64_t value);
int xenstore_rm(uint32_t tx, const char *dir, const char *node);
/*
 * Names below dir/node, one after the other with their NULs, *len bytes in all; the caller gives
 * them back with kmem_free(*names, *len).  *names is NULL if there are none.
 */
int xenstore_directory(uint32_t tx, const char *dir, const char *node, char **names, size_t *len);

int xenstore_transaction_start(uint32_t *tx);
/* EAGAIN: somebody else changed what it read or wrote; do all of it again.  !commit: undo it. */
int xenstore_transaction_end(uint32_t tx, bool commit);

/*
 * xw_func(w) is called from a kernel lwp of xenstore's, one call at a time, whenever the node at
 * xw_path/xw_node, or one below it, changed, and once at first.  It may sleep and may call
 * xenstore.  Several changes may be one call.  Our own changes count, too: watch no more than you
 * must.
 */
struct xenstore_watch {
	const char *xw_path; /* dir and node, as above; stay valid */
	const char *xw_node;
	void (*xw_func)(struct xenstore_watch *w);
	void *xw_arg;
	/* xenstore's own. */
	TAILQ_ENTRY(xenstore_watch) xw_list;
	uint32_t xw_id;
	bool xw_due, xw_lost;
};
/* xw_path NULL: nothing of the store's is watched, only xenstore_watch_run() makes it run. */
int xenstore_watch(struct xenstore_watch *w);
/* Have xw_func called as if there were a change.  From an lwp or a soft interrupt. */
void xenstore_watch_run(struct xenstore_watch *w);
/* No call comes any more, and none is running, except the one that this is called from. */
void xenstore_unwatch(struct xenstore_watch *w);

/*
 * LINK_SET_ADD(xenstore_users, function): called from the same lwp once the store is spoken to in
 * earnest, which on a machine without one never happens.
 */
typedef void xenstore_user_t(void);

/*
 * LINK_SET_ADD(xenstore_movers, function): called from the same lwp when the domain, which was put
 * away, goes on as another one.  Event channels are gone, nobody uses what was granted, nodes are
 * as the tools make them; watches are called after that, each once at first.
 */

#endif
