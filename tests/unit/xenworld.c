/* SPDX-License-Identifier: BSD-2-Clause */
/* See xenworld.h. */
#include <stdlib.h>
#include <string.h>

#include <rumpuser.h>
#include <kern/cpu.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/mutex.h>
#include <kern/systm.h>

#include "native.h"
#include "xenworld.h"

#define HOME	   "/local/domain/7/"
#define MAXNODES   256
#define MAXWATCHES 32
#define MAXPORTS   40
#define MAXGRANTS  512
#define STORE_PORT 1

struct xenstore_domain_interface *store_page;
bool store_absent, store_mute, store_stopped, evtchn_fail, evtchn_early, grant_busy, grant_fail;
unsigned store_conflicts, store_requests, store_wakeups;
struct xsd_sockmsg store_last;
char store_last_body[XENSTORE_PAYLOAD_MAX + 1];
uint32_t store_answer_type;
unsigned store_refusals;
char end_asked;
unsigned suspends;
bool suspend_moves;
int suspend_error;
void (*suspend_meanwhile)(void);

/* Under world_lock. */
static kmutex_t world_lock = {.mtx_type = MUTEX_DEFAULT};
static kcondvar_t store_cv;
static struct node {
	char *path, *value;
} nodes[MAXNODES], staged[MAXNODES]; /* staged: what a transaction is to change */
static unsigned nnodes, nstaged;
static uint32_t transaction;
static struct {
	char *path, *full, *token;
} watches[MAXWATCHES];
static unsigned nwatches;
static char *out; /* what the store wants to say */
static size_t out_len;
static bool kicked;
static struct {
	bool open;
	unsigned irq, notified;
} ports[MAXPORTS];
static unsigned nirqs;
static bool grants[MAXGRANTS];

/* -------------------------------------------------------------------- tree */

static char *full_path(const char *path)
{
	char *p = malloc(strlen(HOME) + strlen(path) + 1);

	strcpy(p, *path == '/' ? "" : HOME);
	strcat(p, path);
	return p;
}

/* Is path prefix, or below it? */
static bool below(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(path, prefix, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static struct node *find(struct node *in, unsigned n, const char *full)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(in[i].path, full) == 0)
			return &in[i];
	return NULL;
}

static void append(const void *bytes, size_t len)
{
	char *more = realloc(out, out_len + len + 1);

	KASSERT(more != NULL);
	out = more;
	if (len > 0)
		memcpy(out + out_len, bytes, len);
	out_len += len;
}

static void say(uint32_t type, uint32_t id, const void *body, size_t len)
{
	struct xsd_sockmsg head = {.type = type, .req_id = id, .len = (uint32_t)len};

	append(&head, sizeof(head));
	append(body, len);
}

static void fire(unsigned w)
{
	char body[600];
	size_t n = strlen(watches[w].path) + 1;

	strcpy(body, watches[w].path);
	strcpy(body + n, watches[w].token);
	say(XS_WATCH_EVENT, 0, body, n + strlen(watches[w].token) + 1);
}

static void fire_all(const char *full, bool removed)
{
	for (unsigned i = 0; i < nwatches; i++)
		if (below(full, watches[i].full) || (removed && below(watches[i].full, full)))
			fire(i);
}

/* Somebody may be looking at it still. */
static void bury(char *value)
{
	static char **graves;
	static size_t n;
	char **more = realloc(graves, (n + 1) * sizeof(*graves));

	KASSERT(more != NULL);
	graves = more;
	graves[n++] = value;
}

static void change(const char *full, const char *value)
{
	struct node *n;

	if (value == NULL) {
		for (unsigned i = nnodes; i-- > 0;)
			if (below(nodes[i].path, full)) {
				free(nodes[i].path);
				bury(nodes[i].value);
				nodes[i] = nodes[--nnodes];
			}
	} else {
		n = find(nodes, nnodes, full);
		if (n == NULL) {
			KASSERT(nnodes < MAXNODES);
			n = &nodes[nnodes++];
			*n = (struct node){strdup(full), NULL};
		}
		bury(n->value);
		n->value = strdup(value);
	}
	fire_all(full, value == NULL);
}

/* ---------------------------------------------------------------- requests */

static void answer(const void *body, size_t len)
{
	uint32_t type = store_answer_type ? store_answer_type : store_last.type;

	if (store_mute)
		return;
	say(type, store_last.req_id, body, len);
}

static void answer_error(const char *name)
{
	if (!store_mute)
		say(XS_ERROR, store_last.req_id, name, strlen(name) + 1);
}

static void list(const char *full)
{
	char body[XENSTORE_PAYLOAD_MAX];
	size_t n = strlen(full), len = 0;
	bool any = false;

	for (unsigned i = 0; i < nnodes; i++) {
		const char *p = nodes[i].path, *end;

		if (!below(p, full))
			continue;
		any = true;
		if (p[n] == '\0')
			continue;
		p += n + 1;
		end = strchr(p, '/');
		if (end == NULL)
			end = p + strlen(p);
		for (size_t at = 0; at < len; at += strlen(body + at) + 1)
			if (strlen(body + at) == (size_t)(end - p) &&
			    strncmp(body + at, p, (size_t)(end - p)) == 0)
				p = end;
		if (p == end)
			continue;
		memcpy(body + len, p, (size_t)(end - p));
		len += (size_t)(end - p);
		body[len++] = '\0';
	}
	if (any)
		answer(body, len);
	else
		answer_error("ENOENT");
}

static void add_watch(const char *path, const char *token)
{
	KASSERT(nwatches < MAXWATCHES);
	watches[nwatches].path = strdup(path);
	watches[nwatches].full = full_path(path);
	watches[nwatches].token = strdup(token);
	answer("OK", 3);
	if (!store_mute)
		fire(nwatches);
	nwatches++;
}

static void remove_watch(const char *path, const char *token)
{
	for (unsigned i = 0; i < nwatches; i++)
		if (strcmp(watches[i].path, path) == 0 && strcmp(watches[i].token, token) == 0) {
			free(watches[i].path);
			free(watches[i].full);
			free(watches[i].token);
			watches[i] = watches[--nwatches];
			answer("OK", 3);
			return;
		}
	answer_error("ENOENT");
}

static void end_transaction(bool commit)
{
	bool conflict = commit && store_conflicts > 0;

	store_conflicts -= conflict;
	transaction = 0;
	for (unsigned i = 0; i < nstaged; i++) {
		if (commit && !conflict)
			change(staged[i].path, staged[i].value);
		free(staged[i].path);
		free(staged[i].value);
	}
	nstaged = 0;
	if (conflict)
		answer_error("EAGAIN");
	else
		answer("OK", 3);
}

static void write_node(const char *full, const char *value)
{
	if (store_last.tx_id != 0)
		staged[nstaged++] = (struct node){strdup(full), value ? strdup(value) : NULL};
	else
		change(full, value);
	answer("OK", 3);
}

static void serve(void)
{
	char *full = full_path(store_last_body), *rest, number[12];
	struct node *n;

	rest = store_last_body + strlen(store_last_body) + 1;
	store_requests++;
	if (store_last.tx_id != 0 && store_last.tx_id != transaction) {
		answer_error("ENOENT");
		free(full);
		return;
	}
	switch (store_last.type) {
	case XS_READ:
		n = find(staged, nstaged, full);
		if (n == NULL)
			n = find(nodes, nnodes, full);
		if (n != NULL && n->value != NULL)
			answer(n->value, strlen(n->value));
		else
			answer_error("ENOENT");
		break;
	case XS_WRITE:
		write_node(full, rest);
		break;
	case XS_RM:
		write_node(full, NULL);
		break;
	case XS_DIRECTORY:
		list(full);
		break;
	case XS_WATCH:
		if (store_refusals > 0) {
			store_refusals--;
			answer_error("ENOMEM");
		} else {
			add_watch(store_last_body, rest);
		}
		break;
	case XS_UNWATCH:
		remove_watch(store_last_body, rest);
		break;
	case XS_TRANSACTION_START:
		transaction = 1000 + store_requests;
		answer(number, (size_t)ksnprintf(number, sizeof(number), "%u", transaction) + 1);
		break;
	case XS_TRANSACTION_END:
		end_transaction(store_last_body[0] == 'T');
		break;
	default:
		answer_error("ENOSYS");
	}
	free(full);
}

/* Take what has come in of a request: true if it is whole. */
static bool take_request(bool *moved)
{
	static size_t got;
	struct xenstore_domain_interface *p = store_page;
	size_t head = sizeof(store_last);

	while (!store_stopped && p->req_cons != p->req_prod) {
		char c = p->req[MASK_XENSTORE_IDX(p->req_cons)];

		if (got < head)
			((char *)&store_last)[got] = c;
		else
			store_last_body[got - head] = c;
		got++;
		p->req_cons++;
		*moved = true;
		if (got < head)
			continue;
		KASSERT(store_last.len > 0 && store_last.len <= XENSTORE_PAYLOAD_MAX);
		if (got == head + store_last.len) {
			store_last_body[store_last.len] = '\0';
			got = 0;
			return true;
		}
	}
	return false;
}

/* Put as much of what is to be said into the ring as fits. */
static bool flush_out(void)
{
	struct xenstore_domain_interface *p = store_page;
	size_t n = 0;

	for (; n < out_len && p->rsp_prod - p->rsp_cons < XENSTORE_RING_SIZE; n++)
		p->rsp[MASK_XENSTORE_IDX(p->rsp_prod++)] = out[n];
	if (n > 0)
		memmove(out, out + n, out_len - n);
	out_len -= n;
	return n > 0;
}

static void store_lwp(void *arg)
{
	for (;;) {
		bool moved = false;

		mutex_enter(&world_lock);
		while (!kicked)
			cv_wait(&store_cv, &world_lock);
		kicked = false;
		while (take_request(&moved))
			serve();
		moved |= flush_out();
		mutex_exit(&world_lock);
		if (moved)
			store_interrupt();
	}
}

static void kick(void)
{
	kicked = true;
	cv_signal(&store_cv);
}

/* ------------------------------------------------------- what tests call */

void store_interrupt(void)
{
	if (ports[STORE_PORT].irq != 0)
		native_intr(ports[STORE_PORT].irq);
}

void store_set(const char *path, const char *value)
{
	char *full = full_path(path);

	mutex_enter(&world_lock);
	change(full, value);
	kick();
	mutex_exit(&world_lock);
	free(full);
}

const char *store_get(const char *path)
{
	char *full = full_path(path);
	struct node *n;

	mutex_enter(&world_lock);
	n = find(nodes, nnodes, full);
	mutex_exit(&world_lock);
	free(full);
	return n != NULL ? n->value : NULL;
}

void store_say_bytes(const void *bytes, size_t len)
{
	mutex_enter(&world_lock);
	append(bytes, len);
	kick();
	mutex_exit(&world_lock);
}

void store_say(uint32_t type, uint32_t id, const void *body, size_t len)
{
	mutex_enter(&world_lock);
	say(type, id, body, len);
	kick();
	mutex_exit(&world_lock);
}

int xenworld_start(void)
{
	int error;

	mutex_init(&world_lock, MUTEX_DEFAULT);
	cv_init(&store_cv, "the store");
	store_page = calloc(1, sizeof(*store_page));
	error = kthread_create(PRI_KTHREAD, -1, store_lwp, NULL, "store");
	return error ? error : native_components();
}

void xenworld_settle(void)
{
	(void)lwp_sleep_until(native_now() + NSEC_PER_SEC, "the world to settle");
}

/* ---------------------------------------------------------------- rumpuser */

int rumpuser_xenstore(void **page, unsigned *port)
{
	if (store_absent)
		return ENOTSUP;
	*page = store_page;
	*port = STORE_PORT;
	ports[STORE_PORT].open = true;
	return 0;
}

int rumpuser_evtchn_alloc(unsigned domid, unsigned *port)
{
	for (unsigned i = STORE_PORT + 1; !evtchn_fail && i < MAXPORTS; i++)
		if (!ports[i].open) {
			ports[i].open = true;
			ports[i].notified = 0;
			*port = i;
			return 0;
		}
	return ENOSPC;
}

int rumpuser_evtchn_bind(unsigned port, unsigned cpu, unsigned *irqp)
{
	if (port == STORE_PORT && evtchn_fail)
		return ENOSPC;
	if (port >= MAXPORTS || !ports[port].open || cpu >= cpu_count)
		return EINVAL;
	for (unsigned i = 0; *irqp != 0 && i < MAXPORTS; i++)
		KASSERT(!ports[i].open || ports[i].irq != *irqp);
	if (*irqp == 0) {
		if (RUMPUSER_IRQ_DEVICE + nirqs == RUMPUSER_IRQ_MAX)
			return ENOSPC;
		*irqp = RUMPUSER_IRQ_DEVICE + nirqs++;
	}
	ports[port].irq = *irqp;
	if (evtchn_early && port != STORE_PORT)
		(void)native_intr(*irqp);
	return 0;
}

void rumpuser_evtchn_notify(unsigned port)
{
	if (port == 0)
		return;
	KASSERT(port < MAXPORTS && ports[port].open);
	if (port != STORE_PORT) {
		ports[port].notified++;
		return;
	}
	mutex_enter(&world_lock);
	store_wakeups++;
	kick();
	mutex_exit(&world_lock);
}

void rumpuser_evtchn_close(unsigned port)
{
	if (port == 0)
		return;
	KASSERT(port != STORE_PORT && port < MAXPORTS && ports[port].open);
	ports[port].open = false;
	ports[port].irq = 0;
}

int rumpuser_grant(unsigned domid, uint64_t pa, bool readonly, uint32_t *ref)
{
	for (uint32_t i = 8; !grant_fail && i < MAXGRANTS; i++)
		if (!grants[i]) {
			grants[i] = true;
			*ref = i;
			return 0;
		}
	return ENOSPC;
}

int rumpuser_grant_end(uint32_t ref)
{
	if (ref >= MAXGRANTS || !grants[ref])
		return EINVAL;
	if (grant_busy)
		return EBUSY;
	grants[ref] = false;
	return 0;
}

void rumpuser_exit_asked(bool restart)
{
	end_asked = restart ? 'r' : 'e';
}

int rumpuser_suspend(bool *moved)
{
	suspends++;
	mutex_enter(&world_lock);
	*moved = suspend_moves;
	if (suspend_moves) {
		memset(ports, 0, sizeof(ports));
		memset(store_page, 0, sizeof(*store_page));
		out_len = 0;
		while (nwatches > 0) {
			nwatches--;
			free(watches[nwatches].path);
			free(watches[nwatches].full);
			free(watches[nwatches].token);
		}
	}
	mutex_exit(&world_lock);
	if (suspend_meanwhile != NULL)
		suspend_meanwhile();
	return suspend_error;
}

unsigned grants_standing(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MAXGRANTS; i++)
		n += grants[i];
	return n;
}

unsigned evtchn_notified(unsigned port)
{
	return ports[port].notified;
}

void evtchn_raise(unsigned port)
{
	if (ports[port].open && ports[port].irq != 0)
		native_intr(ports[port].irq);
}

unsigned evtchn_open(void)
{
	unsigned n = 0;

	for (unsigned i = STORE_PORT + 1; i < MAXPORTS; i++)
		n += ports[i].open;
	return n;
}
