/* SPDX-License-Identifier: BSD-2-Clause */
/* DHCP messages: writing ours, reading theirs.  Nothing in theirs is trusted. */
#include <kern/systm.h>
#include <net/netinput.h>
#include "dhcp_impl.h"

#define BOOTREQUEST 1
#define BOOTREPLY   2
#define COOKIE	    0x63825363U
#define OPTIONS	    240 /* where they begin, behind the cookie */

enum {
	OFF_OP,
	OFF_HTYPE,
	OFF_HLEN,
	OFF_XID = 4,
	OFF_SECS = 8,
	OFF_FLAGS = 10,
	OFF_CIADDR = 12,
	OFF_YIADDR = 16,
	OFF_CHADDR = 28,
	OFF_COOKIE = 236
};

enum {
	OPT_MASK = 1,
	OPT_ROUTER = 3,
	OPT_DNS = 6,
	OPT_HOSTNAME = 12,
	OPT_DOMAIN = 15,
	OPT_MTU = 26,
	OPT_REQADDR = 50,
	OPT_LEASE = 51,
	OPT_TYPE = 53,
	OPT_SERVER = 54,
	OPT_PARAMS = 55,
	OPT_MAXSIZE = 57,
	OPT_T1 = 58,
	OPT_T2 = 59,
	OPT_CLIENTID = 61,
	OPT_END = 255
};

static uint8_t *put_option(uint8_t *p, uint8_t code, const void *data, uint8_t len)
{
	*p++ = code;
	*p++ = len;
	memcpy(p, data, len);
	return p + len;
}

size_t dhcp_build(uint8_t buf[DHCP_MSG_MAX], const struct dhcp_query *q)
{
	static const uint8_t params[] = {
	    OPT_MASK, OPT_ROUTER, OPT_DNS, OPT_DOMAIN, OPT_MTU, OPT_LEASE, OPT_T1, OPT_T2};
	uint8_t *p = buf + OPTIONS, id[7] = {1}, size[2];

	memset(buf, 0, DHCP_MSG_MAX);
	buf[OFF_OP] = BOOTREQUEST;
	buf[OFF_HTYPE] = 1;
	buf[OFF_HLEN] = 6;
	put32(buf + OFF_XID, q->xid);
	put16(buf + OFF_SECS, q->secs);
	memcpy(buf + OFF_CIADDR, &q->ciaddr, 4);
	memcpy(buf + OFF_CHADDR, q->mac, 6);
	put32(buf + OFF_COOKIE, COOKIE);
	p = put_option(p, OPT_TYPE, &q->type, 1);
	memcpy(id + 1, q->mac, 6);
	p = put_option(p, OPT_CLIENTID, id, sizeof(id));
	put16(size, DHCP_MSG_MAX);
	p = put_option(p, OPT_MAXSIZE, size, sizeof(size));
	if (q->requested)
		p = put_option(p, OPT_REQADDR, &q->requested, 4);
	if (q->server)
		p = put_option(p, OPT_SERVER, &q->server, 4);
	if (q->hostname && q->hostname[0])
		p = put_option(p, OPT_HOSTNAME, q->hostname, (uint8_t)strnlen(q->hostname, 64));
	p = put_option(p, OPT_PARAMS, params, sizeof(params));
	*p++ = OPT_END;
	return KMAX((size_t)(p - buf), (size_t)300); /* as BOOTP relays want it */
}

/* A domain goes into a file: letters, digits, hyphens, dots and nothing else. */
static void take_domain(struct dhcp_answer *a, const uint8_t *p, unsigned len)
{
	unsigned i;

	if (len >= sizeof(a->domain))
		return;
	for (i = 0; i < len; i++) {
		uint8_t c = p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			c == '-' || c == '.'))
			break;
	}
	if (i < len && p[i] != 0)
		return;
	memcpy(a->domain, p, i);
	a->domain[i] = '\0';
}

static void take_option(struct dhcp_answer *a, uint8_t code, const uint8_t *p, unsigned len)
{
	unsigned i;

	switch (code) {
	case OPT_TYPE:
		if (len == 1)
			a->type = p[0];
		break;
	case OPT_DNS:
		for (i = 0; i + 4 <= len && a->ndns < DHCP_SERVERS_MAX; i += 4)
			memcpy(&a->dns[a->ndns++], p + i, 4);
		break;
	case OPT_MTU:
		if (len == 2)
			a->mtu = get16(p);
		break;
	case OPT_DOMAIN:
		take_domain(a, p, len);
		break;
	default:
		if (len < 4)
			break;
		if (code == OPT_MASK)
			memcpy(&a->mask, p, 4);
		else if (code == OPT_ROUTER)
			memcpy(&a->router, p, 4);
		else if (code == OPT_SERVER)
			memcpy(&a->server, p, 4);
		else if (code == OPT_LEASE)
			a->lease = get32(p);
		else if (code == OPT_T1)
			a->t1 = get32(p);
		else if (code == OPT_T2)
			a->t2 = get32(p);
		break;
	}
}

bool dhcp_parse(const uint8_t *buf, size_t len, const uint8_t mac[6], struct dhcp_answer *a)
{
	const uint8_t *p, *end = buf + len;

	if (len < OPTIONS || buf[OFF_OP] != BOOTREPLY || buf[OFF_HTYPE] != 1 ||
	    buf[OFF_HLEN] != 6 || memcmp(buf + OFF_CHADDR, mac, 6) != 0 ||
	    get32(buf + OFF_COOKIE) != COOKIE)
		return false;
	memset(a, 0, sizeof(*a));
	a->xid = get32(buf + OFF_XID);
	memcpy(&a->addr, buf + OFF_YIADDR, 4);
	for (p = buf + OPTIONS; p < end && *p != OPT_END;) {
		if (*p == 0) {
			p++;
			continue;
		}
		if (end - p < 2 || end - p - 2 < p[1])
			return false;
		take_option(a, p[0], p + 2, p[1]);
		p += 2 + p[1];
	}
	return a->type != 0;
}
