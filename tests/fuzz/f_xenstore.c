/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client of xenstore against any store: two sources are included, so that their states can be
 * set back and watches be run without their lwp.
 *
 * An input is steps.  We ask something; whenever that sleeps, the store takes the next steps:
 * answers of any kind, events, bytes, indices.  In the end it breaks.  What must hold: every call
 * returns, with what it is said to; nothing stays allocated or locked.
 */
#include <stdlib.h>

#include <rumpuser.h>
#include <kern/kmem.h>
#include <kern/lwp.h>

#include "native.h"
#include "xenstore_watch.c"
#include "xenstore_wire.c"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (!(cond))                                                                       \
			panic("%s:%d: %s", __FILE__, __LINE__, #cond);                             \
	} while (0)

static struct xenstore_domain_interface page;
static const uint8_t *in;
static size_t in_len;
static unsigned presses;

/* ---------------------------------------------------------------- rumpuser */

int rumpuser_xenstore(void **pagep, unsigned *port)
{
	*pagep = &page;
	*port = 1;
	return 0;
}

int rumpuser_suspend(bool *moved)
{
	REQUIRE(!"nobody asks for it");
	return ENOTSUP;
}

int rumpuser_evtchn_bind(unsigned port, unsigned cpu, unsigned *irqp)
{
	*irqp = RUMPUSER_IRQ_DEVICE;
	return 0;
}

void rumpuser_evtchn_notify(unsigned port)
{
	REQUIRE(port == 1);
}

/* Watches are run by us. */
int no_kthread(int priority, int cpu, void (*func)(void *), void *arg, const char *name)
{
	return 0;
}

void rumpuser_exit_asked(bool restart)
{
}

void proc_power_button(void)
{
	presses++;
}

/* --------------------------------------------------------------- the store */

static uint8_t byte(void)
{
	if (in_len == 0)
		return 0;
	in_len--;
	return *in++;
}

static uint32_t word(void)
{
	uint32_t w = byte();

	return w | (uint32_t)byte() << 8 | (uint32_t)byte() << 16 | (uint32_t)byte() << 24;
}

/* We take what fills the ring; what is left when that helps nothing gets lost. */
static void say(const void *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (page.rsp_prod - wire.rsp_cons >= XENSTORE_RING_SIZE)
			native_intr(RUMPUSER_IRQ_DEVICE);
		if (page.rsp_prod - wire.rsp_cons >= XENSTORE_RING_SIZE)
			break;
		page.rsp[MASK_XENSTORE_IDX(page.rsp_prod++)] = ((const char *)p)[i];
	}
}

/* A message whose body is the next so many bytes. */
static void say_message(uint32_t type, uint32_t id, size_t len)
{
	struct xsd_sockmsg head = {.type = type, .req_id = id};

	len = KMIN(len, in_len);
	head.len = (uint32_t)len;
	say(&head, sizeof(head));
	say(in, len);
	in += len;
	in_len -= len;
}

static void say_string(uint32_t type, const char *s, size_t len)
{
	struct xsd_sockmsg head = {.type = type, .req_id = wire.last_id, .len = (uint32_t)len};

	say(&head, sizeof(head));
	say(s, len);
}

static void say_much(uint32_t type)
{
	static char much[2 * XENSTORE_PAYLOAD_MAX];
	size_t len = word() % sizeof(much);

	memset(much, 'm', sizeof(much));
	much[len / 2] = much[len] = '\0';
	say_string(type, much, len + 1);
}

static void say_value(uint8_t which)
{
	static const char *const values[] = {"poweroff", "reboot", "halt", "", "123", "4294967295"};
	const char *s = values[which % NELEM(values)];
	struct xenstore_answer *a = TAILQ_FIRST(&wire.waiting);

	say_string(a ? a->xa_type : XS_READ, s, strlen(s) + (which >> 7));
}

static void say_error(uint8_t which)
{
	static const char *const names[] = {"ENOENT", "EAGAIN", "EACCES", "EINVAL", "NONE"};
	const char *s = names[which % NELEM(names)];

	say_string(XS_ERROR, s, strlen(s) + 1);
}

static void say_event(uint8_t token)
{
	char body[16];
	int n = ksnprintf(body, sizeof(body), "x%c%u", 0, token % 8);

	say_string(XS_WATCH_EVENT, body, (size_t)n + 1);
}

/* One step of the store's; what it is by the low bits. */
static bool act(void)
{
	struct xenstore_answer *a = TAILQ_FIRST(&wire.waiting);
	uint8_t what;

	REQUIRE(!wire.broken);
	if (in_len == 0) {
		page.rsp_prod = wire.rsp_cons + XENSTORE_RING_SIZE + 1;
		what = 0xff;
	} else {
		what = byte();
	}
	switch (what == 0xff ? 99 : what % 11) {
	case 0:
		say_message(a ? a->xa_type : 0, wire.last_id, byte());
		break;
	case 1:
		say_error(byte());
		break;
	case 2:
		say_message(byte(), wire.last_id + byte() - 1, byte());
		break;
	case 3:
		say_event(byte());
		break;
	case 4: {
		size_t n = byte();

		n = KMIN(n, in_len);
		say(in, n);
		in += n;
		in_len -= n;
		break;
	}
	case 5:
		page.rsp_prod += word();
		break;
	case 6:
		page.req_cons += word();
		break;
	case 7: {
		uint32_t n = byte();

		page.req_cons += KMIN(n, page.req_prod - page.req_cons);
		break;
	}
	case 8:
		say_much(a ? a->xa_type : XS_WATCH_EVENT);
		break;
	case 9:
		say_value(byte());
		break;
	case 10:
		page.req_prod = word(); /* ours, but it can */
		page.rsp_cons = word();
		page.rsp_prod = wire.rsp_cons;
		break;
	default:
		break;
	}
	native_intr(RUMPUSER_IRQ_DEVICE);
	return true;
}

/* --------------------------------------------------------------------- we */

static void called(struct xenstore_watch *w)
{
	uint8_t what = byte();
	uint64_t n;

	if (what & 1)
		(void)xenstore_read_uint(XST_NIL, w->xw_path, w->xw_node, &n);
	if (what & 2)
		xenstore_unwatch(w);
}

static struct xenstore_watch mine[4];

static bool is_watched(const struct xenstore_watch *w)
{
	struct xenstore_watch *i;

	TAILQ_FOREACH (i, &watches, xw_list)
		if (i == w)
			return true;
	return false;
}

static void run_watches(void)
{
	struct xenstore_watch *w;

	for (unsigned n = 0; n < 8 && (w = next()) != NULL; n++) {
		w->xw_due = false;
		running = w;
		w->xw_func(w);
		running = NULL;
	}
}

static void toggle_watch(uint8_t n)
{
	struct xenstore_watch *w = &mine[n % NELEM(mine)];

	if (is_watched(w)) {
		xenstore_unwatch(w);
	} else {
		w->xw_path = "device";
		w->xw_node = n & 0x80 ? "node" : NULL;
		w->xw_func = called;
		(void)xenstore_watch(w);
	}
}

static void list(void)
{
	char *names = NULL;
	size_t len = 0;

	if (xenstore_directory(XST_NIL, "device", NULL, &names, &len) != 0)
		return;
	REQUIRE((names == NULL) == (len == 0) && len <= XENSTORE_PAYLOAD_MAX);
	if (names != NULL) {
		REQUIRE(names[len - 1] == '\0');
		kmem_free(names, len);
	}
}

static void ask_something(uint8_t what)
{
	static char value[XENSTORE_PAYLOAD_MAX];
	char buf[64];
	uint32_t tx = 0;
	uint64_t n;

	switch (what % 9) {
	case 0:
		if (xenstore_read(byte(), "a", "b", buf, byte() % sizeof(buf) + 1U) == 0)
			REQUIRE(memchr(buf, '\0', sizeof(buf)) != NULL);
		break;
	case 1:
		memset(value, 'v', sizeof(value));
		value[word() % sizeof(value)] = '\0';
		(void)xenstore_write(XST_NIL, "a", NULL, value);
		break;
	case 2:
		list();
		break;
	case 3:
		if (xenstore_transaction_start(&tx) == 0)
			REQUIRE(tx != XST_NIL);
		else
			REQUIRE(tx == XST_NIL);
		break;
	case 4:
		(void)xenstore_transaction_end(word(), byte() & 1);
		break;
	case 5:
		toggle_watch(byte());
		break;
	case 6:
		run_watches();
		break;
	case 7:
		(void)xenstore_read_uint(XST_NIL, "a", "b", &n);
		break;
	default:
		(void)act(); /* nobody waits */
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t live = native_alloc_live();
	char buf[4];

	in = data;
	in_len = size;
	memset(&page, 0, sizeof(page));
	page.req_prod = page.req_cons = page.rsp_prod = page.rsp_cons = word();
	wire.req_prod = wire.rsp_cons = page.req_prod;
	wire.broken = wire.sending = false;
	wire.got = 0;
	TAILQ_INIT(&watches);
	last_id = 0;
	native_components();
	while (native_step())
		continue;
	for (unsigned n = 0; n < 200 && in_len > 0 && !wire.broken; n++)
		ask_something(byte());
	if (!wire.broken) {
		in_len = 0;
		(void)act();
	}
	REQUIRE(wire.broken && TAILQ_EMPTY(&wire.waiting) && !wire.sending);
	REQUIRE(xenstore_read(XST_NIL, "a", NULL, buf, sizeof(buf)) == EIO);
	REQUIRE(native_alloc_live() == live && native_locks_held() == 0);
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	native_quiet = true;
	native_idle = act;
	xenstore_wire_init();
	REQUIRE(xenstore_open() == 0);
	watcher = curlwp;
	return 0;
}
