/* SPDX-License-Identifier: BSD-2-Clause */
/* DHCP messages (RFC 2131, RFC 2132), between dhcp.c and dhcp_msg.c. */
#ifndef DHCP_IMPL_H
#define DHCP_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DHCP_SERVERS_MAX 3
#define DHCP_MSG_MAX	 576 /* what every client must take; more is cut off */

enum dhcp_type {
	DHCPDISCOVER = 1,
	DHCPOFFER,
	DHCPREQUEST,
	DHCPDECLINE,
	DHCPACK,
	DHCPNAK,
	DHCPRELEASE
};

/* What an answer says.  Addresses in network order, 0: not given; times in seconds. */
struct dhcp_answer {
	uint8_t type;
	uint32_t xid;
	uint32_t addr, server, mask, router;
	uint32_t lease, t1, t2;
	uint32_t dns[DHCP_SERVERS_MAX];
	unsigned ndns;
	uint16_t mtu;
	char domain[128];
};

struct dhcp_query {
	uint8_t type;
	uint8_t mac[6];
	uint32_t xid;
	uint32_t ciaddr;	    /* our address, when renewing */
	uint32_t requested, server; /* options, 0: none */
	uint16_t secs;
	const char *hostname; /* NULL: none */
};

/* Write the message; its length. */
size_t dhcp_build(uint8_t buf[DHCP_MSG_MAX], const struct dhcp_query *q);
/* false: it is not an answer for the station mac, or malformed. */
bool dhcp_parse(const uint8_t *buf, size_t len, const uint8_t mac[6], struct dhcp_answer *a);

#endif
