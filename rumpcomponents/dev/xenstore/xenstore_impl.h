/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of dev/xenstore. */
#ifndef XENSTORE_IMPL_H
#define XENSTORE_IMPL_H

#include <xen/io/xs_wire.h>
#include <dev/xenstore.h>
#include <kern/mutex.h>

/* Everything of the wire and the list of watches; the cv is for whoever waits for any of it. */
extern kmutex_t xenstore_lock;
extern kcondvar_t xenstore_cv;

/* A request's sleeper and what is to become of the answer. */
struct xenstore_answer {
	char *xa_data;	/* room for it with a NUL behind it; NULL: not wanted */
	size_t xa_size; /* of the room */
	size_t xa_len;	/* of the answer */
	bool xa_alloc;	/* xa_data is to come from kmem_alloc(xa_len) */

	/* The wire's own. */
	uint32_t xa_id, xa_type;
	int xa_error;
	bool xa_done;
	TAILQ_ENTRY(xenstore_answer) xa_list;
};

/*
 * Send dir[/node], a NUL and extra as a request of xs_wire.h's type, and wait for the answer.
 * a NULL: only whether it is an error.  Errors as in dev/xenstore.h.
 */
int xenstore_request(uint32_t type, uint32_t tx, const char *dir, const char *node,
    const void *extra, size_t extra_len, struct xenstore_answer *a);
/* Begin to talk to the store, if that has not happened yet; ENXIO there is none. */
int xenstore_open(void);
/* Once, before anything else. */
void xenstore_wire_init(void);

/*
 * Have the domain put away.  true: it goes on as another one; no watch is the store's any more,
 * until xenstore_watch_again(), which tries again later what fails.  In the lwp of the watches.
 */
bool xenstore_suspend(void);
void xenstore_watch_again(void);

/* A watch's event, from the wire.  => xenstore_lock held. */
void xenstore_watch_event(const char *token);
/* The lwp that calls them.  => xenstore_lock held. */
int xenstore_watch_start(void);

/* A decimal number and nothing else; false if it is none or larger than max. */
bool xenstore_number(const char *s, uint64_t max, uint64_t *value);

#endif
