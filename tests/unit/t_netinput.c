/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile and broken frames below TCP: Ethernet, ARP, IPv4 and its fragments, ICMP, UDP.
 * The stack is the real one, on the wire of networld.h, which checks whatever it sends.
 */
#include <net/if_arp.h>
#include <string.h>

#include <kern/file.h>
#include <kern/sysproto.h>

#include "check_main.h"
#include "native.h"
#include "networld.h"

static uint8_t frame[NET_FRAME_MAX], body[66000], got[66000];
static int udp;
static size_t live;

static void setup(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = hton16(53)};
	int size = 1 << 20;

	net_start();
	udp = (int)do_sys_socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(udp, 0);
	ck_assert_int_eq(do_sys_bind(udp, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(do_sys_setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 7 + i / 256);
	live = native_alloc_live();
}

/* Everything that a case began comes to an end without a trace. */
static void teardown(void)
{
	net_flush();
	while (do_sys_recvfrom(udp, got, sizeof(got), 0, NULL, NULL) >= 0)
		continue;
	ck_assert(net_quiesce(100000));
	ck_assert_uint_eq(native_alloc_live(), live);
}

/* Bytes of the next datagram; -1: there is none. */
static long received(void)
{
	long n = do_sys_recvfrom(udp, got, sizeof(got), 0, NULL, NULL);

	return n == -EAGAIN ? -1 : n;
}

static uint8_t last_icmp_type(void)
{
	const struct iphdr4 *ip = net_sent_ip(net_sent(0));

	ck_assert(ip && ip->ip_p == IP4_P_ICMP);
	return net_sent(0)->frame[34];
}

/* An echo request of n bytes behind the ICMP header. */
static size_t echo_request(size_t n)
{
	body[0] = ICMP4_ECHO;
	memset(body + 1, 0, 7);
	return net_ip(frame, IP4_P_ICMP, 0, 0, 0, 0, body, 8 + n);
}

/* A fragment of a UDP datagram to our port: bytes [off, off + len) of what begins at body. */
static void fragment(uint16_t id, unsigned off, size_t len, bool more)
{
	size_t n = net_ip(
	    frame, IP4_P_UDP, 0, 0, (uint16_t)(off / 8 | (more ? IP4_MF : 0)), id, body + off, len);

	net_deliver(frame, n, 0, 0);
}

/* body becomes a datagram of n bytes with its header, without a checksum. */
static void datagram(size_t n)
{
	put16(body, 9);
	put16(body + 2, 53);
	put16(body + 4, (uint16_t)n);
	put16(body + 6, 0);
}

/* -------------------------------------------------------------- Ethernet, ARP */

START_TEST(ether_short_and_foreign_frames_are_dropped)
{
	unsigned long n = net_nsent;
	size_t len = echo_request(10);

	for (size_t cut = 0; cut < 14; cut++)
		net_deliver(frame, cut, 0, NET_EXT);
	frame[5] ^= 1;
	net_deliver(frame, len, 0, 0);
	frame[5] ^= 1;
	put16(frame + 12, 0x86dd);
	net_deliver(frame, len, 0, 0);
	ck_assert_uint_eq(net_nsent, n);
	ck_assert_uint_eq(net_if.if_ierrors, 14);
}
END_TEST

START_TEST(arp_packets_of_wrong_shape_are_dropped)
{
	static const struct {
		uint8_t at, value;
	} wrong[] = {{0, 1}, {1, 6}, {2, 9}, {3, 1}, {4, 0}, {4, 5}, {4, 255}, {5, 0}, {5, 16},
	    {5, 255}, {6, 1}, {7, 0}, {7, 3}, {7, 8}, {8, 1}};
	unsigned long n = net_nsent;

	for (unsigned i = 0; i < NELEM(wrong) + 29; i++) {
		size_t len = i < NELEM(wrong) ? 42 : 14 + i - NELEM(wrong);

		memset(frame, 0xff, 6);
		put16(frame + 12, ETHER_TYPE_ARP);
		put32(frame + 14, 0x00010800);
		put32(frame + 18, 0x06040001);
		memcpy(frame + 22, net_peer_mac, 6);
		put32(frame + 28, NET_PEER);
		put32(frame + 38, NET_US);
		if (i < NELEM(wrong))
			frame[14 + wrong[i].at] = wrong[i].value;
		for (unsigned split = 0; split < 4; split++)
			net_deliver(frame, len, split, split & 1 ? NET_EXT : 0);
		if (len == 42 && i >= NELEM(wrong))
			ck_assert_uint_eq(net_nsent, n + 4); /* the right one */
		else
			ck_assert_uint_eq(net_nsent, n);
	}
}
END_TEST

START_TEST(arp_learns_only_what_was_asked_and_from_the_link)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = hton16(9)};
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};

	net_send_arp(ARPOP_REPLY, mac, NET_PEER + 7, NET_US);	  /* nobody asked */
	net_send_arp(ARPOP_REQUEST, mac, 0x0b000001, NET_US);	  /* another network */
	net_send_arp(ARPOP_REQUEST, mac, NET_US | 0xff, NET_US);  /* a broadcast address */
	net_send_arp(ARPOP_REQUEST, mac, NET_PEER + 8, NET_PEER); /* about others */
	for (unsigned i = 7; i < 9; i++) {
		sin.sin_addr.s_addr = hton32(NET_PEER + i);
		ck_assert_int_eq(
		    do_sys_sendto(udp, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin)), 1);
		ck_assert_uint_eq(get16(net_sent(0)->frame + 12), ETHER_TYPE_ARP);
	}
	/* The answer lets go what waited. */
	net_send_arp(ARPOP_REPLY, mac, NET_PEER + 8, NET_US);
	ck_assert_uint_eq(get16(net_sent(0)->frame + 12), ETHER_TYPE_IP);
	ck_assert_mem_eq(net_sent(0)->frame, mac, 6);
	/* Another claims the address at once: not believed, the first has only just answered. */
	net_send_arp(ARPOP_REPLY, net_peer_mac, NET_PEER + 8, NET_US);
	ck_assert_int_eq(do_sys_sendto(udp, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin)), 1);
	ck_assert_mem_eq(net_sent(0)->frame, mac, 6);
}
END_TEST

START_TEST(arp_waiting_packets_are_bounded)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = hton16(9)};
	size_t before = native_alloc_live();

	for (unsigned i = 0; i < 2000; i++) {
		sin.sin_addr.s_addr = hton32((NET_US & ~0xffU) + 3 + i % 250);
		ck_assert_int_eq(
		    do_sys_sendto(udp, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin)), 1);
	}
	ck_assert_uint_le(native_alloc_live() - before, 2 * 256);
}
END_TEST

/* ------------------------------------------------------------------ IPv4 */

/* Every length, cut with and without the header's consent, in pieces of every kind. */
START_TEST(ip_truncated_packets_are_dropped)
{
	static const uint8_t protocols[] = {IP4_P_UDP, IP4_P_TCP, IP4_P_ICMP};
	unsigned long n = net_nsent;

	for (unsigned p = 0; p < 3; p++)
		for (unsigned cut = 0; cut < 60; cut++)
			for (unsigned how = 0; how < 8; how++) {
				size_t len;

				datagram(40);
				body[12] = 0x50; /* TCP's header length */
				if (protocols[p] == IP4_P_ICMP)
					body[0] = 3; /* an error, about what is cut off */
				len = net_ip(frame, protocols[p], 0, 0, 0, 0, body, 40);
				if (how & 1)
					net_fix(frame, 14 + cut, NET_FIX_IPLEN | NET_FIX_IPSUM);
				if (len > 14 + cut && (protocols[p] != IP4_P_TCP || cut < 40))
					net_deliver(frame, 14 + cut, how & 2 ? 3 : 0,
					    how & 4 ? NET_EXT : 0);
			}
	ck_assert_uint_eq(net_nsent, n);
	ck_assert_int_eq(received(), -1);
}
END_TEST

START_TEST(ip_bad_headers_are_dropped)
{
	static const struct {
		uint8_t at, value;
	} wrong[] = {{0, 0x65}, {0, 0x44}, {0, 0x40}, {0, 0x4f}, {2, 0xff}, {3, 19}, {12, 127},
	    {12, 224}, {15, 255}, {16, 127}, {16, 224}, {16, 9}, {19, 9}};
	unsigned long n = net_nsent;

	for (unsigned i = 0; i < NELEM(wrong); i++) {
		size_t len = echo_request(10);

		frame[14 + wrong[i].at] = wrong[i].value;
		net_fix(frame, len, NET_FIX_IPSUM);
		net_deliver(frame, len, 0, NET_EXT);
		ck_assert_msg(net_nsent == n, "byte %u = %u", wrong[i].at, wrong[i].value);
	}
	net_deliver(frame, echo_request(10), 0, 0);
	ck_assert_uint_eq(last_icmp_type(), ICMP4_ECHOREPLY);
	n = net_nsent;
	frame[24] ^= 1; /* the header's checksum */
	net_deliver(frame, 34 + 18, 0, 0);
	ck_assert_uint_eq(net_nsent, n);
}
END_TEST

START_TEST(ip_from_the_wire_with_our_own_address_is_dropped)
{
	unsigned long n = net_nsent;

	datagram(20);
	net_deliver(frame, net_ip(frame, IP4_P_UDP, NET_US, NET_US, 0, 0, body, 20), 0, 0);
	ck_assert_int_eq(received(), -1);
	ck_assert_uint_eq(net_nsent, n);
}
END_TEST

START_TEST(ip_options_are_walked_with_care)
{
	static const struct {
		uint8_t option[8];
		bool ok;
	} cases[] = {{{1, 1, 1, 1}, true}, {{0, 7, 7, 7}, true}, {{7, 7, 4, 0, 0, 0, 0, 0}, true},
	    {{7, 0, 0, 0}, false}, {{7, 1, 0, 0}, false}, {{7, 9, 4, 0}, false},
	    {{1, 1, 1, 1, 1, 1, 1, 7}, false}, {{131, 7, 4, 10, 0, 0, 9, 0}, false},
	    {{137, 7, 4, 10, 0, 0, 9, 0}, false}, {{1, 131, 3, 4}, false}, {{255, 255}, false}};

	for (unsigned i = 0; i < NELEM(cases); i++) {
		unsigned long n = net_nsent;
		size_t len = echo_request(10);

		memmove(frame + 42, frame + 34, len - 34);
		memcpy(frame + 34, cases[i].option, 8);
		frame[14] = 0x47;
		net_fix(frame, len + 8, NET_FIX_ALL);
		net_deliver(frame, len + 8, i % 3 * 5, i & 1 ? NET_EXT : 0);
		ck_assert_msg(net_nsent - n == (cases[i].ok ? 1 : 0), "case %u", i);
	}
}
END_TEST

/* ------------------------------------------------------------- fragments */

START_TEST(reass_any_order_gives_the_datagram)
{
	static const uint8_t orders[6][3] = {
	    {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	datagram(3000);
	for (unsigned i = 0; i < 6; i++) {
		for (unsigned k = 0; k < 3; k++) {
			unsigned part = orders[i][k];

			fragment((uint16_t)i, part * 1000, 1000, part < 2);
			if (k < 2) {
				fragment((uint16_t)i, part * 1000, 1000, part < 2); /* twice */
				ck_assert_int_eq(received(), -1);
			}
		}
		ck_assert_int_eq(received(), 2992);
		ck_assert_mem_eq(got, body + 8, 2992);
	}
}
END_TEST

/* Teardrop and its kin: the packet is given up, with all that comes after. */
START_TEST(reass_overlaps_condemn_the_packet)
{
	static const struct {
		unsigned off, len;
		bool more;
	} cases[][2] = {{{0, 40, true}, {24, 4, false}}, {{0, 40, true}, {32, 40, false}},
	    {{16, 40, false}, {0, 24, true}}, {{8, 16, true}, {0, 40, true}},
	    {{0, 40, true}, {0, 48, true}}, {{40, 40, false}, {72, 40, false}},
	    {{40, 40, false}, {80, 40, true}}, {{40, 40, false}, {8, 24, false}}};

	datagram(80);
	for (unsigned i = 0; i < NELEM(cases); i++) {
		for (unsigned k = 0; k < 2; k++)
			fragment((uint16_t)i, cases[i][k].off, cases[i][k].len, cases[i][k].more);
		ck_assert_msg(native_alloc_live() == live, "case %u", i);
		fragment((uint16_t)i, 0, 40, true);
		fragment((uint16_t)i, 40, 40, false);
		ck_assert_int_eq(received(), -1);
		ck_assert_uint_eq(native_alloc_live(), live);
	}
}
END_TEST

START_TEST(reass_odd_and_empty_fragments_are_dropped)
{
	datagram(80);
	fragment(1, 0, 0, true);
	fragment(1, 8, 0, false);
	fragment(1, 0, 41, true);
	ck_assert_uint_eq(native_alloc_live(), live);
	fragment(1, 0, 40, true);
	fragment(1, 40, 40, false);
	ck_assert_int_eq(received(), 72);
}
END_TEST

START_TEST(reass_floods_are_bounded)
{
	size_t most = 0;

	datagram(1400);
	for (unsigned i = 0; i < 20000; i++) { /* many packets */
		fragment((uint16_t)i, 0, 1400, true);
		most = KMAX(most, native_alloc_live() - live);
	}
	ck_assert_uint_le(most, 16 * 2);
	for (unsigned i = 0; i < 5000; i++) { /* one packet in many pieces */
		fragment(7, i % 4000 * 16, 8, true);
		most = KMAX(most, native_alloc_live() - live);
	}
	ck_assert_uint_le(most, 16 * 2 + 128);
	/* The slots are full, but the newest packet gets through. */
	datagram(80);
	fragment(30000, 0, 40, true);
	fragment(30000, 40, 40, false);
	ck_assert_int_eq(received(), 72);
}
END_TEST

START_TEST(reass_what_is_incomplete_is_forgotten_in_time)
{
	datagram(80);
	fragment(1, 0, 40, true);
	native_advance(16 * NSEC_PER_SEC);
	fragment(1, 40, 40, false);
	ck_assert_int_eq(received(), -1);
	fragment(1, 0, 40, true); /* the second half waits now */
	ck_assert_int_eq(received(), 72);
}
END_TEST

START_TEST(reass_ping_of_death_is_dropped)
{
	unsigned long n;
	size_t at;

	/* The longest there can be: it is taken, and answered in fragments. */
	body[0] = ICMP4_ECHO;
	body[1] = body[2] = body[3] = 0;
	put16(body + 2, net_cksum(body, 65515, 0));
	n = net_nsent;
	for (at = 0; at < 65515; at += 1480)
		net_deliver(frame,
		    net_ip(frame, IP4_P_ICMP, 0, 0,
			(uint16_t)(at / 8 | (at + 1480 < 65515 ? IP4_MF : 0)), 1, body + at,
			KMIN(1480UL, 65515 - at)),
		    100, at & 8 ? NET_SMALL : 0);
	ck_assert_uint_eq(net_nsent - n, 45);
	/* A byte more, and far more. */
	n = net_nsent;
	for (at = 0; at < 65516; at += 1480)
		net_deliver(frame,
		    net_ip(frame, IP4_P_ICMP, 0, 0,
			(uint16_t)(at / 8 | (at + 1480 < 65516 ? IP4_MF : 0)), 2, body + at,
			KMIN(1480UL, 65516 - at)),
		    0, 0);
	net_deliver(frame, net_ip(frame, IP4_P_ICMP, 0, 0, IP4_OFFMASK, 3, body, 1480), 0, 0);
	net_deliver(
	    frame, net_ip(frame, IP4_P_ICMP, 0, 0, IP4_MF | IP4_OFFMASK, 3, body, 1480), 0, 0);
	ck_assert_uint_eq(net_nsent, n);
}
END_TEST

START_TEST(reass_keeps_that_it_was_a_broadcast)
{
	unsigned long n = net_nsent;

	body[0] = ICMP4_ECHO;
	memset(body + 1, 0, 7);
	put16(body + 2, net_cksum(body, 80, 0));
	for (unsigned i = 0; i < 2; i++) {
		size_t len = net_ip(
		    frame, IP4_P_ICMP, 0, 0, (uint16_t)(i ? 5 : IP4_MF), 1, body + i * 40, 40);

		memset(frame, 0xff, 6);
		net_deliver(frame, len, 0, 0);
	}
	ck_assert_uint_eq(net_nsent, n);
}
END_TEST

/* ------------------------------------------------------------------ ICMP */

/* One learns a default route and loses it: the configuration's stays. */
START_TEST(route_belongs_to_who_has_set_it)
{
	static const int learnt, other;
	uint32_t far = hton32(0xc0000201), gw[3];
	struct iproute rt;

	for (unsigned i = 0; i < 3; i++)
		gw[i] = hton32(NET_PEER + i);
	ck_assert_int_eq(ip_route(far, &rt), ENETUNREACH);
	ck_assert_int_eq(ip_route_add(0, 0, gw[0], &learnt), 0);
	ck_assert_int_eq(ip_route(far, &rt), 0);
	ck_assert_uint_eq(rt.rt_nexthop, gw[0]);
	ck_assert_int_eq(ip_route_add(0, 0, gw[1], NULL), 0);
	ck_assert_int_eq(ip_route_add(0, 0, gw[2], &other), 0);
	ck_assert_int_eq(ip_route(far, &rt), 0);
	ck_assert_uint_eq(rt.rt_nexthop, gw[1]);
	ip_route_delete(0, 0, &learnt);
	ck_assert_int_eq(ip_route(far, &rt), 0);
	ck_assert_uint_eq(rt.rt_nexthop, gw[1]);
	ip_route_delete(0, 0, NULL);
	ck_assert_int_eq(ip_route(far, &rt), 0);
	ck_assert_uint_eq(rt.rt_nexthop, gw[2]);
	/* Replaced, not added: the table does not fill up. */
	for (unsigned i = 0; i < 100; i++)
		ck_assert_int_eq(ip_route_add(0, 0, gw[i % 2], &other), 0);
	ip_route_delete(0, 0, &other);
	ck_assert_int_eq(ip_route(far, &rt), ENETUNREACH);
}
END_TEST

START_TEST(icmp_answers_are_limited_and_never_to_broadcasts)
{
	unsigned long n = net_nsent;
	size_t len = echo_request(10);

	memset(frame, 0xff, 6);
	net_deliver(frame, len, 0, 0);
	memcpy(frame, net_our_mac, 6);
	put32(frame + 30, NET_US | 0xff);
	net_fix(frame, len, NET_FIX_ALL);
	net_deliver(frame, len, 0, 0);
	put32(frame + 30, NET_US);
	put32(frame + 26, NET_US | 0xff);
	net_fix(frame, len, NET_FIX_ALL);
	net_deliver(frame, len, 0, 0);
	ck_assert_uint_eq(net_nsent, n);
	for (unsigned i = 0; i < 3000; i++)
		net_deliver(frame, echo_request(10), 0, 0);
	ck_assert_uint_eq(net_nsent, n + 1000);
	for (unsigned i = 0; i < 1000; i++)
		net_send_udp(9, 54, body, 10);
	ck_assert_uint_eq(net_nsent, n + 1100);
	ck_assert_uint_eq(last_icmp_type(), ICMP4_UNREACH);
	native_advance(NSEC_PER_SEC);
	n = net_nsent;
	/* No error about an error, a broadcast, or a fragment that is not the first. */
	len = net_udp(frame, 9, 54, body, 10);
	memset(frame, 0xff, 6);
	net_deliver(frame, len, 0, 0);
	body[0] = ICMP4_UNREACH;
	body[1] = 0;
	net_deliver(frame, net_ip(frame, IP4_P_ICMP, 0, 0, 0, 0, body, 40), 0, 0);
	ck_assert_uint_eq(net_nsent, n);
}
END_TEST

START_TEST(icmp_errors_quoting_nonsense_do_nothing)
{
	unsigned long n = net_nsent;

	for (unsigned type = 0; type < 20; type++)
		for (unsigned quote = 0; quote < 60; quote++)
			for (unsigned i = 0; i < 4; i++) {
				memset(body, 0, 80);
				body[0] = (uint8_t)type;
				body[1] = (uint8_t)(quote % 18);
				body[8] = (uint8_t[]){0x45, 0x4f, 0x40, 0x00}[i];
				body[17] = (uint8_t[]){IP4_P_TCP, IP4_P_UDP, 1, 77}[quote % 4];
				put32(body + 20, NET_US);
				put32(body + 24, NET_PEER);
				if (type == ICMP4_ECHO)
					continue;
				net_deliver(frame,
				    net_ip(frame, IP4_P_ICMP, 0, 0, 0, 0, body, 8 + quote), i * 9,
				    quote & 1 ? NET_EXT : 0);
			}
	ck_assert_uint_eq(net_nsent, n);
}
END_TEST

/* ------------------------------------------------------------------- UDP */

START_TEST(udp_lengths_must_fit)
{
	static const struct {
		uint16_t length;
		long got;
	} cases[] = {{0, -1}, {7, -1}, {8, 0}, {9, 1}, {28, 20}, {29, -1}, {65535, -1}};
	unsigned long n = net_nsent;

	for (unsigned i = 0; i < NELEM(cases); i++)
		for (unsigned how = 0; how < 3; how++) {
			size_t len = net_udp(frame, 9, 53, body, 20);

			put16(frame + 38, cases[i].length);
			net_fix(frame, len, NET_FIX_ALL);
			net_deliver(frame, len, how * 7, how == 2 ? NET_EXT : 0);
			ck_assert_msg(received() == cases[i].got, "length %u", cases[i].length);
			ck_assert_mem_eq(got, body, KMAX(cases[i].got, 0));
		}
	ck_assert_uint_eq(net_nsent, n);
}
END_TEST

START_TEST(udp_checksum_and_port_zero)
{
	size_t len = net_udp(frame, 9, 53, body, 21);

	frame[41] ^= 1;
	net_deliver(frame, len, 0, 0);
	ck_assert_int_eq(received(), -1);
	put16(frame + 40, 0); /* none */
	net_deliver(frame, len, 0, 0);
	ck_assert_int_eq(received(), 21);
	net_send_udp(9, 0, body, 21);
	ck_assert_int_eq(received(), -1);
	net_send_udp(0, 53, body, 21);
	ck_assert_int_eq(received(), 21);
}
END_TEST

START_TEST(udp_what_waits_is_bounded)
{
	int size = 10000;

	ck_assert_int_eq(do_sys_setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	for (unsigned i = 0; i < 5000; i++)
		net_send_udp(9, 53, body, i % 3);
	/* Twice the buffer of 20000 bytes, counted in frames of 2 KB. */
	ck_assert_uint_le(native_alloc_live() - live, 2 * 20000 / 2048 + 1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("netinput");
	TCase *tc = tcase_create("netinput");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, ether_short_and_foreign_frames_are_dropped);
	tcase_add_test(tc, arp_packets_of_wrong_shape_are_dropped);
	tcase_add_test(tc, arp_learns_only_what_was_asked_and_from_the_link);
	tcase_add_test(tc, arp_waiting_packets_are_bounded);
	tcase_add_test(tc, ip_truncated_packets_are_dropped);
	tcase_add_test(tc, ip_bad_headers_are_dropped);
	tcase_add_test(tc, ip_from_the_wire_with_our_own_address_is_dropped);
	tcase_add_test(tc, ip_options_are_walked_with_care);
	tcase_add_test(tc, reass_any_order_gives_the_datagram);
	tcase_add_test(tc, reass_overlaps_condemn_the_packet);
	tcase_add_test(tc, reass_odd_and_empty_fragments_are_dropped);
	tcase_add_test(tc, reass_floods_are_bounded);
	tcase_add_test(tc, reass_what_is_incomplete_is_forgotten_in_time);
	tcase_add_test(tc, reass_ping_of_death_is_dropped);
	tcase_add_test(tc, reass_keeps_that_it_was_a_broadcast);
	tcase_add_test(tc, route_belongs_to_who_has_set_it);
	tcase_add_test(tc, icmp_answers_are_limited_and_never_to_broadcasts);
	tcase_add_test(tc, icmp_errors_quoting_nonsense_do_nothing);
	tcase_add_test(tc, udp_lengths_must_fit);
	tcase_add_test(tc, udp_checksum_and_port_zero);
	tcase_add_test(tc, udp_what_waits_is_bounded);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
