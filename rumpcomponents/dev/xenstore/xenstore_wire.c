/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenstore's wire (xen/io/xs_wire.h): a page with two rings of bytes, in which messages of a header
 * and a payload follow each other.  Whoever asks something sends it, all of it before anybody
 * else's, and sleeps; a soft interrupt takes in what comes and wakes those whose id it bears.
 *
 * Nothing is done before somebody asks: a start costs hypercalls, and the first request gives the
 * CPU, if there is but one, to the domain that answers.
 *
 * The store is believed nothing that could hurt: we keep the indices that are ours to move, and
 * look whether the others are possible; lengths, ids and types have to fit.  What cannot be read
 * any further (an impossible index or length) ends the store for good.
 */
#include <rumpuser.h>
#include <kern/kmem.h>
#include <kern/softint.h>
#include <kern/systm.h>
#include "xenstore_impl.h"

kmutex_t xenstore_lock;
kcondvar_t xenstore_cv;

static struct {
	/* All under xenstore_lock. */
	bool tried;
	struct xenstore_domain_interface *page; /* NULL: no store, or not yet */
	unsigned port, irq;
	uint32_t req_prod, rsp_cons;
	uint32_t last_id;
	bool sending; /* somebody is between the bytes of a request */
	bool broken;
	TAILQ_HEAD(, xenstore_answer) waiting;
	/* The message that comes in, as far as it has. */
	struct xsd_sockmsg head;
	char body[XENSTORE_PAYLOAD_MAX + 1];
	size_t got; /* bytes of both */
} wire;

static void answer(struct xenstore_answer *a, int error)
{
	TAILQ_REMOVE(&wire.waiting, a, xa_list);
	a->xa_error = error;
	a->xa_done = true;
}

static void wire_broken(void)
{
	struct xenstore_answer *a;

	wire.broken = true;
	while ((a = TAILQ_FIRST(&wire.waiting)) != NULL)
		answer(a, EIO);
	cv_broadcast(&xenstore_cv);
	kprintf("kiln: xenstore makes no sense; going on without it\n");
}

/* ------------------------------------------------------------------- rings */

/* Bytes that lie together at index of a ring in which n are free, or used. */
static size_t ring_chunk(uint32_t index, uint32_t n, size_t want)
{
	return KMIN(want, KMIN(n, XENSTORE_RING_SIZE - MASK_XENSTORE_IDX(index)));
}

/* Put as many of len bytes as fit; how many. */
static size_t ring_put(const char *p, size_t len)
{
	uint32_t used = wire.req_prod - __atomic_load_n(&wire.page->req_cons, __ATOMIC_ACQUIRE);
	size_t n;

	if (used > XENSTORE_RING_SIZE) {
		wire_broken();
		return 0;
	}
	n = ring_chunk(wire.req_prod, XENSTORE_RING_SIZE - used, len);
	memcpy(wire.page->req + MASK_XENSTORE_IDX(wire.req_prod), p, n);
	wire.req_prod += n;
	__atomic_store_n(&wire.page->req_prod, wire.req_prod, __ATOMIC_RELEASE);
	return n;
}

/* Take as many of len bytes as there are; how many. */
static size_t ring_get(char *p, size_t len)
{
	uint32_t cons = wire.rsp_cons;
	uint32_t used = __atomic_load_n(&wire.page->rsp_prod, __ATOMIC_ACQUIRE) - cons;
	size_t n;

	if (used > XENSTORE_RING_SIZE) {
		wire_broken();
		return 0;
	}
	n = ring_chunk(cons, used, len);
	if (n == 0)
		return 0;
	memcpy(p, wire.page->rsp + MASK_XENSTORE_IDX(cons), n);
	wire.rsp_cons = cons + n;
	__atomic_store_n(&wire.page->rsp_cons, wire.rsp_cons, __ATOMIC_SEQ_CST);
	/* The store sleeps if it found the ring full, before that: as full as it was to be. */
	if (__atomic_load_n(&wire.page->rsp_prod, __ATOMIC_SEQ_CST) - cons == XENSTORE_RING_SIZE)
		rumpuser_evtchn_notify(wire.port);
	return n;
}

/* ----------------------------------------------------------------- answers */

/* Errors come by name. */
static int error_number(const char *name)
{
	static const struct {
		char name[10];
		uint8_t number;
	} errors[] = {
	    {"EACCES", EACCES},
	    {"EAGAIN", EAGAIN},
	    {"EBUSY", EBUSY},
	    {"EEXIST", EEXIST},
	    {"EINVAL", EINVAL},
	    {"EISDIR", EISDIR},
	    {"ENOENT", ENOENT},
	    {"ENOMEM", ENOMEM},
	    {"ENOSPC", ENOSPC},
	    {"ENOSYS", ENOSYS},
	    {"EPERM", EPERM},
	    {"EROFS", EROFS},
	    {"E2BIG", E2BIG},
	};

	for (size_t i = 0; i < NELEM(errors); i++)
		if (strcmp(name, errors[i].name) == 0)
			return errors[i].number;
	return EIO;
}

/* Hand the payload over: 0 or errno. */
static int deliver(struct xenstore_answer *a)
{
	size_t len = wire.head.len;

	if (wire.head.type == XS_ERROR)
		return error_number(wire.body);
	if (wire.head.type != a->xa_type)
		return EIO;
	a->xa_len = len;
	if (a->xa_alloc && len > 0) {
		a->xa_data = kmem_alloc(len);
		if (a->xa_data == NULL)
			return ENOMEM;
		memcpy(a->xa_data, wire.body, len);
	} else if (a->xa_data != NULL) {
		if (len >= a->xa_size)
			return E2BIG;
		memcpy(a->xa_data, wire.body, len + 1);
	}
	return 0;
}

/* A whole message has come. */
static void message(void)
{
	size_t len = wire.head.len, path;
	struct xenstore_answer *a;

	wire.body[len] = '\0';
	if (wire.head.type == XS_WATCH_EVENT) {
		path = strlen(wire.body);
		if (path < len)
			xenstore_watch_event(wire.body + path + 1);
		return;
	}
	TAILQ_FOREACH (a, &wire.waiting, xa_list)
		if (a->xa_id == wire.head.req_id) {
			answer(a, deliver(a));
			break;
		}
}

/* Take what there is of one message; false if there is nothing. */
static bool take(void)
{
	size_t head = sizeof(wire.head), n;

	if (wire.got < head) {
		n = ring_get((char *)&wire.head + wire.got, head - wire.got);
		if (wire.got + n == head && wire.head.len > XENSTORE_PAYLOAD_MAX)
			wire_broken();
	} else {
		n = ring_get(wire.body + (wire.got - head), head + wire.head.len - wire.got);
	}
	wire.got += n;
	if (!wire.broken && wire.got >= head && wire.got == head + wire.head.len) {
		message();
		wire.got = 0;
	}
	return n > 0;
}

static void input(void *arg)
{
	(void)arg;
	mutex_enter(&xenstore_lock);
	while (wire.page != NULL && !wire.broken && take())
		continue;
	cv_broadcast(&xenstore_cv);
	mutex_exit(&xenstore_lock);
}

static void interrupt(void *arg)
{
	softint_schedule(arg);
}

/* ---------------------------------------------------------------- requests */

/* All of it; sleeps while the ring is full.  Nothing happens if the store breaks. */
static void put(const char *p, size_t len)
{
	size_t n;

	for (; len > 0 && !wire.broken; p += n, len -= n) {
		n = ring_put(p, len);
		if (n == 0 && !wire.broken) {
			rumpuser_evtchn_notify(wire.port);
			cv_wait(&xenstore_cv, &xenstore_lock);
		}
	}
}

static int ask(struct xsd_sockmsg *head, const char *dir, const char *node, const void *extra,
    size_t extra_len, struct xenstore_answer *a)
{
	while (wire.sending && !wire.broken)
		cv_wait(&xenstore_cv, &xenstore_lock);
	if (wire.broken)
		return EIO;
	a->xa_type = head->type;
	a->xa_id = head->req_id = ++wire.last_id;
	TAILQ_INSERT_TAIL(&wire.waiting, a, xa_list);
	wire.sending = true;
	put((char *)head, sizeof(*head));
	put(dir, strlen(dir));
	if (node != NULL) {
		put("/", 1);
		put(node, strlen(node));
	}
	put("", 1);
	put(extra, extra_len);
	wire.sending = false;
	if (!wire.broken)
		rumpuser_evtchn_notify(wire.port);
	cv_broadcast(&xenstore_cv);
	while (!a->xa_done)
		cv_wait(&xenstore_cv, &xenstore_lock);
	return a->xa_error;
}

/* ------------------------------------------------------------------- start */

/* Take up the line as it is. */
static int attach(void)
{
	void *page;
	int error = rumpuser_xenstore(&page, &wire.port);

	if (error)
		return error;
	error = rumpuser_evtchn_bind(wire.port, 0, &wire.irq);
	if (error)
		return error;
	wire.page = page;
	wire.req_prod = wire.page->req_prod;
	wire.rsp_cons = wire.page->rsp_cons;
	wire.got = 0;
	return 0;
}

static int start(void)
{
	struct softint *softint;
	int error = attach();

	if (error)
		return error;
	softint = softint_establish(input, NULL);
	error = softint != NULL ? intr_establish(wire.irq, interrupt, softint) : ENOMEM;
	if (!error)
		error = xenstore_watch_start();
	if (error)
		wire.page = NULL;
	return error;
}

/* Nobody waits for an answer, and nobody asks while we are away. */
bool xenstore_suspend(void)
{
	bool moved = false;
	int error;

	mutex_enter(&xenstore_lock);
	while (!TAILQ_EMPTY(&wire.waiting))
		cv_wait(&xenstore_cv, &xenstore_lock);
	error = rumpuser_suspend(&moved);
	if (error)
		kprintf("kiln: not suspended: error %d\n", error);
	if (moved && attach() != 0)
		wire_broken();
	mutex_exit(&xenstore_lock);
	return moved;
}

int xenstore_open(void)
{
	int error = 0;

	mutex_enter(&xenstore_lock);
	if (!wire.tried) {
		wire.tried = true;
		error = start();
		if (error && error != ENOTSUP && error != ENXIO)
			kprintf("kiln: no xenstore: error %d\n", error);
	}
	error = wire.page != NULL ? 0 : ENXIO;
	mutex_exit(&xenstore_lock);
	return error;
}

void xenstore_wire_init(void)
{
	mutex_init(&xenstore_lock, MUTEX_DEFAULT);
	cv_init(&xenstore_cv, "xenstore");
	TAILQ_INIT(&wire.waiting);
}

int xenstore_request(uint32_t type, uint32_t tx, const char *dir, const char *node,
    const void *extra, size_t extra_len, struct xenstore_answer *a)
{
	size_t len = strlen(dir) + (node != NULL ? strlen(node) + 1 : 0) + 1;
	struct xsd_sockmsg head = {.type = type, .tx_id = tx, .len = (uint32_t)(len + extra_len)};
	struct xenstore_answer none = {0};
	int error = xenstore_open();

	if (error)
		return error;
	if (len > XENSTORE_ABS_PATH_MAX)
		return ENAMETOOLONG;
	if (extra_len > XENSTORE_PAYLOAD_MAX - len)
		return E2BIG;
	mutex_enter(&xenstore_lock);
	error = ask(&head, dir, node, extra, extra_len, a != NULL ? a : &none);
	mutex_exit(&xenstore_lock);
	return error;
}
