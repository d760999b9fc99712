/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.c - what the launcher and the guest tell each other (docs/xen.md).
 *
 * The command line is "[status:TOKEN ]CONFIGURATION".  With a token, the guest's last word goes to
 * the console as an escape sequence that terminals ignore and that names the token: whoever
 * chose it knows that no output of the program can be meant.
 *
 * Xen has room for 1,023 bytes.  "xenstore:N" for a configuration says that it is in the store, in
 * N parts, data/kiln/0 and on.  They are read before kern runs: no interrupts, nobody else uses
 * the store (public/io/xs_wire.h), and while we wait the control domain runs.
 */
#include "xen_impl.h"

#include <xen/io/xs_wire.h>
#include <xen/sched.h>

#define STATUS	  "status:"
#define STORE	  "xenstore:"
#define PART	  2000 /* bytes of a part, the last one excepted */
#define PARTS_MAX 33   /* as kern takes 65,536 bytes */
#define PATIENCE  10000000

static const char *token;
static size_t token_len;

struct store {
	volatile struct xenstore_domain_interface *ring;
	unsigned port;
	unsigned patience;
};

/* Behind prefix; NULL if s doesn't begin with it. */
static const char *behind(const char *s, const char *prefix)
{
	while (*prefix != '\0')
		if (*s++ != *prefix++)
			return NULL;
	return s;
}

/* Have the other end work.  Returns false when it has had the time to. */
static bool wait(struct store *st)
{
	if (st->patience == 0)
		return false;
	st->patience--;
	(void)xen_hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
	return true;
}

/* A request is much smaller than its ring, which is empty. */
static void request(struct store *st, const void *data, size_t len)
{
	volatile struct xenstore_domain_interface *ring = st->ring;
	uint32_t prod = ring->req_prod;
	size_t i;

	for (i = 0; i < len; i++)
		ring->req[MASK_XENSTORE_IDX(prod + i)] = ((const char *)data)[i];
	__atomic_store_n(&ring->req_prod, prod + len, __ATOMIC_RELEASE);
}

static bool answer(struct store *st, void *data, size_t len)
{
	volatile struct xenstore_domain_interface *ring = st->ring;
	uint32_t cons = ring->rsp_cons;
	size_t i;

	for (i = 0; i < len; i++) {
		while (__atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE) == cons)
			if (!wait(st))
				return false;
		((char *)data)[i] = ring->rsp[MASK_XENSTORE_IDX(cons)];
		__atomic_store_n(&ring->rsp_cons, ++cons, __ATOMIC_RELEASE);
		if (i % (XENSTORE_RING_SIZE / 2) == 0)
			rumpuser_evtchn_notify(st->port); /* there is room again */
	}
	return true;
}

/* The value of data/kiln/n to at; its length, at most PART, or 0. */
static size_t read_part(struct store *st, unsigned n, char *at)
{
	static char path[] = "data/kiln/00"; /* and its NUL byte */
	struct xsd_sockmsg m = {.type = XS_READ, .len = sizeof(path)};
	char *digits = path + sizeof(path) - 3;

	digits[0] = '0' + (n < 10 ? n : n / 10);
	digits[1] = n < 10 ? '\0' : '0' + n % 10;
	m.len -= n < 10;
	request(st, &m, sizeof(m));
	request(st, path, m.len);
	rumpuser_evtchn_notify(st->port);
	if (!answer(st, &m, sizeof(m)) || m.type != XS_READ || m.len > PART ||
	    !answer(st, at, m.len))
		return 0;
	return m.len;
}

/* NULL: it is not there. */
static const char *read_config(unsigned parts)
{
	struct store st = {.patience = PATIENCE};
	uint64_t pa = hw_mem_alloc(parts * PART / RUMPUSER_PAGE_SIZE + 1);
	void *page;
	char *s, *at;
	unsigned i;
	size_t n;

	if (pa == 0 || xen_ring_map(XEN_RING_STORE, &page, &st.port) != 0)
		return NULL;
	st.ring = page;
	s = at = hw_phys(pa);
	for (i = 0; i < parts; i++) {
		n = read_part(&st, i, at);
		if (n == 0)
			return NULL;
		at += n;
	}
	*at = '\0';
	return s;
}

const char *xen_config(const char *cmdline)
{
	const char *s = behind(cmdline, STATUS), *stored;
	unsigned parts = 0;

	if (s != NULL) {
		token = s;
		while (*s != ' ' && *s != '\0')
			s++;
		token_len = s - token;
		cmdline = *s == ' ' ? s + 1 : s;
	}
	s = behind(cmdline, STORE);
	if (s == NULL)
		return cmdline;
	while (*s >= '0' && *s <= '9' && parts <= PARTS_MAX)
		parts = parts * 10 + *s++ - '0';
	stored = parts > 0 && parts <= PARTS_MAX ? read_config(parts) : NULL;
	return stored != NULL ? stored : cmdline; /* which kern will refuse */
}

void xen_last_word(enum rumpuser_end how, int status)
{
	static const char *const words[] = {" exit 000", " signal 000", " panic"};
	char text[16], *at = text;
	const char *s;

	if (token_len == 0)
		return;
	for (s = words[how]; *s != '\0' && *s != '0';)
		*at++ = *s++;
	if (*s == '0') {
		*at++ = '0' + status / 100 % 10;
		*at++ = '0' + status / 10 % 10;
		*at++ = '0' + status % 10;
	}
	rumpuser_console_write("\033_kiln:", 7);
	rumpuser_console_write(token, token_len);
	rumpuser_console_write(text, at - text);
	rumpuser_console_write("\033\\", 2);
}
