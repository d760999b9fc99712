/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DHCP client against a hostile server: its source is included, so that its states can be set
 * and stepped through without its lwp, which never ends.
 *
 * An input is records: a byte that says what, a length, so many bytes.  Messages get the fixed
 * fields that every answer must have, unless the record says otherwise, or none would be looked at.
 * What must hold: only addresses that a station can have are set, deadlines lie ahead, what we
 * send is well-formed.
 */
#include <stdlib.h>

#include <kern/ktime.h>

#include "native.h"

/* A clock that each input sets back: leases last for years. */
static uint64_t now_ns;
#define nanouptime() now_ns

#include "dhcp.c"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (!(cond))                                                                       \
			panic("%s:%d: %s", __FILE__, __LINE__, #cond);                             \
	} while (0)

#define SERVER	0x0a000001U
#define OPTIONS 240U /* where they begin */

static struct in_ifaddr address;
static struct ifnet interface = {
    .if_xname = "eth0", .if_lladdr = {2, 0, 0, 0, 0, 1}, .if_mtu = 1500, .if_inaddr = &address};
static const uint8_t *message; /* what soreceive_dgram() gives */
static size_t message_len;

/* ---------------------------------------------------- what the client calls */

int socreate(int domain, int type, int protocol, struct socket **sop)
{
	return ENOMEM;
}

void soseterror(struct socket *so, int error)
{
}

int soreceive_dgram(struct socket *so, struct uio *uio, struct sockmsg *sm)
{
	if (!message)
		return EAGAIN;
	return uiomove((void *)(uintptr_t)message, KMIN(message_len, uio->uio_resid), uio);
}

/* Options that add up, and end. */
int udp_output(struct mbuf *m, uint32_t laddr, uint16_t lport, uint32_t faddr, uint16_t fport,
    const struct inpcb *inp, const struct iproute *rt)
{
	static uint8_t buf[DHCP_MSG_MAX];
	size_t len = m->m_pktlen, at = OPTIONS;

	REQUIRE(len >= 300 && len <= sizeof(buf) && len == m_length(m));
	m_copydata(m, 0, len, buf);
	m_freem(m);
	while (buf[at] != 255) {
		at += 2U + buf[at + 1];
		REQUIRE(at < len);
	}
	REQUIRE(lport == hton16(68) && fport == hton16(67) && faddr != 0);
	REQUIRE(rt || clients[0].state == RENEWING);
	return 0;
}

int in_setaddr(struct ifnet *ifp, uint32_t addr, uint32_t mask)
{
	uint32_t a = ntoh32(addr), inv = ~ntoh32(mask);

	if (addr != 0)
		REQUIRE(a >> 24 != 127 && a >> 28 < 0xe && mask != 0 && (inv & (inv + 1)) == 0);
	address.ia_addr = addr;
	address.ia_mask = mask;
	return 0;
}

/* Its own route, and no other. */
static uint32_t router;

int ip_route_add(uint32_t dst, uint32_t mask, uint32_t gateway, const void *owner)
{
	REQUIRE(dst == 0 && mask == 0 && gateway != 0 && owner == &clients[0]);
	router = gateway;
	return 0;
}

void ip_route_delete(uint32_t dst, uint32_t mask, const void *owner)
{
	REQUIRE(dst == 0 && mask == 0 && router != 0 && owner == &clients[0]);
	router = 0;
}

void in_resolvconf(const uint32_t *servers, unsigned n, const char *domain)
{
	REQUIRE(n > 0 && n <= DHCP_SERVERS_MAX);
	for (; domain && *domain; domain++)
		REQUIRE(*domain > ' ' && *domain < 0x7f);
}

/* ------------------------------------------------------------- records */

/* what: bits 0-1 which server and address, 2: no type added, 3: as it is, 4-6: the type. */
static void hear(uint8_t what, const uint8_t *p, size_t len)
{
	uint8_t *buf = malloc(DHCP_MSG_MAX * 2);
	static uint8_t room[DHCP_MSG_MAX];
	size_t n = OPTIONS;
	uint32_t addr = hton32(what & 1 ? 0x0a000005 : 0x0a000006),
		 id = hton32(SERVER + (what & 2));

	memset(buf, 0, OPTIONS);
	buf[0] = 2;
	buf[1] = 1;
	buf[2] = 6;
	put32(buf + 4, clients[0].xid);
	memcpy(buf + 16, &addr, 4);
	memcpy(buf + 28, interface.if_lladdr, 6);
	put32(buf + 236, 0x63825363);
	if (!(what & 4)) {
		memcpy(buf + n, (uint8_t[]){53, 1, what >> 4 & 7, 54, 4}, 5);
		memcpy(buf + n + 5, &id, 4);
		n += 9;
	}
	if (what & 8)
		n = 0;
	memcpy(buf + n, p, len);
	n += len;
	message = realloc(buf, n ? n : 1); /* no byte more than there is */
	message_len = n;
	receive(room, sizeof(room));
	free((void *)(uintptr_t)message);
	message = NULL;
	/* cppcheck-suppress memleak ; message was it */
}

static void wait_for(uint8_t what)
{
	struct client *c = &clients[0];

	/* Nobody waits for centuries; further on, the clock's own end comes. */
	if (what & 1 && c->deadline < UINT64_MAX / 2 && c->deadline > nanouptime())
		now_ns = c->deadline;
	else
		now_ns += (what >> 1) * NSEC_PER_SEC;
	/* Renewing, rebinding, lost, begun again: at the most. */
	for (unsigned n = 0; c->deadline <= nanouptime(); n++) {
		REQUIRE(n < 3);
		deadline_reached(c, nanouptime());
	}
}

static void check(const struct client *c)
{
	REQUIRE(c->state <= REBINDING);
	if (c->state >= BOUND) {
		REQUIRE(address.ia_addr == c->lease.addr && c->lease.server != 0);
		REQUIRE(router == c->lease.router);
		REQUIRE(c->t2 <= c->expires);
	}
	if (c->state == BOUND)
		REQUIRE(c->deadline <= c->t2);
	if (c->state < BOUND)
		REQUIRE(router == 0 && address.ia_addr == 0);
	REQUIRE(interface.if_mtu >= 576 && interface.if_mtu <= 1500);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t live = native_alloc_live(), len;

	clients[0] = (struct client){.ifp = &interface};
	nclients = 1;
	now_ns = NSEC_PER_SEC;
	interface.if_mtu = 1500;
	address = (struct in_ifaddr){0};
	router = 0;
	begin(&clients[0], nanouptime());
	for (unsigned n = 0; size >= 2 && n < 100; n++, data += len, size -= len) {
		uint8_t what = data[0];

		len = KMIN((size_t)data[1], size - 2);
		data += 2;
		size -= 2;
		if (what & 0x80)
			wait_for(what);
		else
			hear(what, data, len);
		check(&clients[0]);
	}
	REQUIRE(native_alloc_live() == live && native_locks_held() == 0);
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	setenv("KILN_TEST_SEED", "1", 0);
	native_quiet = true;
	native_config("hostname", "a-name");
	mutex_init(&dhcp_lock, MUTEX_DEFAULT);
	cv_init(&dhcp_cv, "dhcp");
	return 0;
}
