/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of level IPPROTO_IP. */
#include <netinet/in_pcb.h>
#include "ip_impl.h"

/* As Linux, a single byte will do for an int. */
static int get_int(const void *value, unsigned len, int *n)
{
	if (len >= sizeof(int))
		memcpy(n, value, sizeof(int));
	else if (len >= 1)
		*n = *(const uint8_t *)value;
	else
		return EINVAL;
	return 0;
}

static void set_flag(struct inpcb *inp, uint8_t flag, int on)
{
	inp->inp_flags = (uint8_t)(on ? inp->inp_flags | flag : inp->inp_flags & ~flag);
}

static int set_option(struct inpcb *inp, int name, const void *value, unsigned len)
{
	int n, error;

	if (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP || name == IP_MULTICAST_IF)
		return ENODEV;
	error = get_int(value, len, &n);
	if (error)
		return error;
	switch (name) {
	case IP_TTL:
		if (n != -1 && (n < 1 || n > 255))
			return EINVAL;
		inp->inp_ttl = (uint8_t)(n == -1 ? 0 : n);
		return 0;
	case IP_TOS:
		inp->inp_tos = (uint8_t)n;
		return 0;
	case IP_MTU_DISCOVER:
		if (n < IP_PMTUDISC_DONT || n > IP_PMTUDISC_PROBE)
			return EINVAL;
		set_flag(inp, INP_PMTU_DONT, n == IP_PMTUDISC_DONT);
		return 0;
	case IP_RECVTTL:
		set_flag(inp, INP_RECVTTL, n);
		return 0;
	case IP_RECVERR:
	case IP_MULTICAST_TTL:
	case IP_MULTICAST_LOOP:
	case IP_FREEBIND:
	case IP_BIND_ADDRESS_NO_PORT:
		return 0;
	default:
		return ENOPROTOOPT;
	}
}

int in_ctloutput(struct socket *so, bool set, int level, int name, void *value, unsigned *len)
{
	struct inpcb *inp = so_inpcb(so);
	int n;

	if (level != IPPROTO_IP)
		return ENOPROTOOPT;
	if (set)
		return set_option(inp, name, value, *len);
	switch (name) {
	case IP_TTL:
		n = inp->inp_ttl ? inp->inp_ttl : IP4_TTL;
		break;
	case IP_TOS:
		n = inp->inp_tos;
		break;
	case IP_MTU_DISCOVER:
		n = inp->inp_flags & INP_PMTU_DONT ? IP_PMTUDISC_DONT : IP_PMTUDISC_WANT;
		break;
	case IP_RECVTTL:
		n = !!(inp->inp_flags & INP_RECVTTL);
		break;
	case IP_MTU:
		if (!(so->so_state & SS_ISCONNECTED) || in_pcbroute(inp) != 0)
			return ENOTCONN;
		n = (int)inp->inp_route.rt_mtu;
		break;
	default:
		return ENOPROTOOPT;
	}
	*len = KMIN(*len, (unsigned)sizeof(n));
	memcpy(value, &n, *len);
	return 0;
}
