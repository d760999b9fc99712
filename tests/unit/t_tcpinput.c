/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile and broken TCP segments (RFC 9293, RFC 5961, RFC 4987): what must not be believed, what
 * must be bounded, what must not hang.  On the wire of networld.h; t_tcpdata.c has what carries
 * data.
 */
#include <netinet/tcp.h>
#include <string.h>

#include <kern/file.h>
#include <kern/sysproto.h>

#include "check_main.h"
#include "native.h"
#include "tcpinput_world.h"

/* ------------------------------------------------------------- malformed */

START_TEST(tcp_bad_headers_are_dropped)
{
	struct net_seg s = {.sport = 1001,
	    .dport = 80,
	    .flags = THF_SYN,
	    .win = 1000,
	    .seq = 5,
	    .data = data,
	    .len = 9};
	unsigned long n = net_nsent;
	size_t len = net_tcp(frame, &s);

	for (unsigned off = 0; off < 16; off++) { /* the header's length, of 29 bytes */
		frame[46] = (uint8_t)(off << 4);
		net_fix(frame, len, NET_FIX_ALL);
		if (off != 5 && off != 6 && off != 7)
			for (unsigned split = 0; split < 60; split += 7)
				net_deliver(frame, len, split, split & 1 ? NET_EXT : 0);
	}
	frame[46] = 0x50;
	net_fix(frame, len, NET_FIX_ALL);
	frame[50] ^= 1;
	net_deliver(frame, len, 0, 0); /* the checksum */
	net_fix(frame, len, NET_FIX_ALL);
	memset(frame, 0xff, 6);
	net_deliver(frame, len, 0, 0); /* a broadcast */
	memcpy(frame, net_our_mac, 6);
	put32(frame + 30, NET_US | 0xff);
	net_fix(frame, len, NET_FIX_ALL);
	net_deliver(frame, len, 0, 0);
	ck_assert_uint_eq(net_nsent, n);
	ck_assert_uint_eq(tcp_syn_count(), 0);
}
END_TEST

START_TEST(tcp_options_without_sense_end_the_list)
{
	static const uint8_t options[][12] = {{2, 0, 5, 0xb4}, {8, 0}, {8, 1}, {3, 0, 1},
	    {2, 255, 1}, {8, 12}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 8},
	    {253, 2, 253, 2, 253, 2, 253, 0}, {3, 3, 255}, {2, 4, 0, 0}, {2, 4, 0, 1}, {2, 3, 1},
	    {0, 255, 255}, {4, 2, 5, 255}};
	struct net_seg s = {.dport = 80, .flags = THF_SYN, .win = 1000, .optlen = 12};

	for (unsigned i = 0; i < NELEM(options); i++) {
		s.sport = (uint16_t)(2000 + i);
		s.opt = options[i];
		net_deliver(frame, net_tcp(frame, &s), i * 5, i & 1 ? NET_EXT : 0);
		ck_assert_uint_eq(net_sent_tcp(net_sent(0))->th_dport, hton16(s.sport));
		ck_assert_uint_eq(net_sent_tcp(net_sent(0))->th_flags, THF_SYN | THF_ACK);
		tp = net_handshake(80, (uint16_t)(3000 + i), IRS, 1000, options[i], 12);
		if (tp) {
			net_check_tcpcb(tp);
			ck_assert_uint_ge(tp->t_maxseg, TCP_MSS_MIN);
			ck_assert_uint_le(tp->snd_wscale, 14);
		}
		if (tp)
			ck_assert_int_eq(do_sys_close(accept_one()), 0);
	}
}
END_TEST

START_TEST(tcp_to_a_closed_port_is_reset)
{
	struct net_seg s = {
	    .sport = 7, .dport = 81, .flags = THF_SYN, .seq = 100, .len = 5, .data = data};
	const struct tcphdr4 *th;
	unsigned long n;

	net_send_tcp(&s);
	th = net_sent_tcp(net_sent(0));
	ck_assert(th && th->th_flags == (THF_RST | THF_ACK) && th->th_seq == 0);
	ck_assert_uint_eq(ntoh32(th->th_ack), 106);
	s.flags = THF_ACK;
	s.ack = 77;
	net_send_tcp(&s);
	th = net_sent_tcp(net_sent(0));
	ck_assert(th && th->th_flags == THF_RST && ntoh32(th->th_seq) == 77);
	n = net_nsent;
	s.flags = THF_RST;
	net_send_tcp(&s);
	s.flags = THF_RST | THF_ACK;
	net_send_tcp(&s);
	s.flags = THF_SYN;
	s.src = s.dst = NET_US; /* land */
	s.sport = s.dport = 80;
	net_send_tcp(&s);
	ck_assert_uint_eq(net_nsent, n);
}
END_TEST

/* --------------------------------------------------------------- handshakes */

START_TEST(tcp_syn_flood_is_bounded_and_cookies_work)
{
	struct net_seg s = {.dport = 80, .flags = THF_SYN, .win = 1000};
	const struct tcphdr4 *th;
	struct tcpcb *late;
	size_t before = native_alloc_live();
	unsigned long n;
	int late_fd;

	for (unsigned i = 0; i < 20000; i++) {
		s.sport = (uint16_t)(2000 + i);
		s.seq = i * 77777;
		n = net_nsent;
		net_send_tcp(&s);
		ck_assert_uint_eq(net_nsent, n + 1);
	}
	ck_assert_uint_le(tcp_syn_count(), 4096);
	ck_assert_uint_le(native_alloc_live() - before, 4096);
	/* An honest peer gets through all the same, with a cookie and without any state until then.
	 */
	late = net_handshake(80, 50000, 12345, 20000, (const uint8_t[]){2, 4, 0x05, 0x78}, 4);
	ck_assert_ptr_nonnull(late);
	ck_assert_uint_eq(late->t_maxseg, 1400);
	late_fd = accept_one();
	ck_assert_int_ge(late_fd, 0);
	s.sport = 50000;
	s.seq = 12346;
	s.ack = late->iss + 1;
	s.flags = THF_ACK;
	s.data = data;
	s.len = 100;
	net_send_tcp(&s);
	ck_assert_int_eq(do_sys_recvfrom(late_fd, got, 1000, 0, NULL, NULL), 100);
	/* A cookie that is guessed, of another peer, or old, is none. */
	s.sport = 50001;
	net_send_tcp(&s);
	th = net_sent_tcp(net_sent(0));
	ck_assert(th && th->th_flags == THF_RST);
	ck_assert_ptr_null(net_find(80, 50001));
	s.len = 0;
	s.flags = THF_SYN;
	s.sport = 50002;
	s.seq = 1;
	net_send_tcp(&s);
	s.ack = ntoh32(net_sent_tcp(net_sent(0))->th_seq) + 1;
	s.seq = 2;
	s.flags = THF_ACK;
	native_advance(130 * NSEC_PER_SEC);
	net_arp_hello();
	net_send_tcp(&s);
	ck_assert_ptr_null(net_find(80, 50002));
	ck_assert_int_eq(do_sys_close(late_fd), 0);
}
END_TEST

START_TEST(tcp_handshake_needs_the_right_numbers)
{
	static const struct {
		int32_t seq, ack;
		uint8_t flags, answer;
	} wrong[] = {{0, 1, THF_ACK, THF_RST}, {0, -1, THF_ACK, THF_RST}, {-1, 0, THF_ACK, 0},
	    {70000, 0, THF_ACK, 0}, {1, 0, THF_RST, 0}, {-1, 0, THF_RST, 0}, {0, 0, 0, 0}};
	struct net_seg s = {.sport = 1001, .dport = 80, .seq = IRS, .flags = THF_SYN, .win = 1000};
	uint32_t iss;

	net_send_tcp(&s);
	iss = ntoh32(net_sent_tcp(net_sent(0))->th_seq);
	for (unsigned i = 0; i < NELEM(wrong); i++) {
		unsigned long n = net_nsent;

		s.seq = IRS + 1 + (uint32_t)wrong[i].seq;
		s.ack = iss + 1 + (uint32_t)wrong[i].ack;
		s.flags = wrong[i].flags;
		net_send_tcp(&s);
		ck_assert_ptr_null(net_find(80, 1001));
		ck_assert_uint_eq(tcp_syn_count(), 1);
		ck_assert_msg(net_nsent == n + !!wrong[i].answer, "case %u", i);
		if (wrong[i].answer)
			ck_assert_uint_eq(net_sent_tcp(net_sent(0))->th_flags, wrong[i].answer);
	}
	s.seq = IRS + 1;
	s.flags = THF_RST;
	net_send_tcp(&s); /* the right one takes it back */
	ck_assert_uint_eq(tcp_syn_count(), 0);
}
END_TEST

START_TEST(tcp_full_accept_queue_takes_no_more)
{
	for (unsigned i = 0; i < 50; i++)
		(void)net_handshake(80, (uint16_t)(2000 + i), IRS, 1000, NULL, 0);
	for (unsigned i = 0; i < 50; i++)
		ck_assert_int_eq(net_find(80, (uint16_t)(2000 + i)) != NULL, i < 9);
}
END_TEST

START_TEST(tcp_simultaneous_open_can_be_closed_at_once)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_port = hton16(2000), .sin_addr.s_addr = hton32(NET_PEER)};
	int c = (int)do_sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct net_seg s = {.sport = 2000, .flags = THF_SYN, .seq = 10, .win = 1000};
	const struct tcphdr4 *th;

	ck_assert_int_eq(do_sys_connect(c, (struct sockaddr *)&sin, sizeof(sin)), -EINPROGRESS);
	th = net_sent_tcp(net_sent(0));
	s.dport = ntoh16(th->th_sport);
	s.ack = ntoh32(th->th_seq) + 1;
	net_send_tcp(&s);
	ck_assert_uint_eq(net_sent_tcp(net_sent(0))->th_flags, THF_SYN | THF_ACK);
	ck_assert_int_eq(do_sys_close(c), 0);
	s.flags = THF_ACK;
	s.seq++;
	net_send_tcp(&s);
	ck_assert_uint_eq(net_sent_tcp(net_sent(0))->th_flags, THF_FIN | THF_ACK);
	s.ack++;
	s.flags = THF_FIN | THF_ACK;
	net_send_tcp(&s);
	ck_assert_ptr_null(net_find(s.dport, 2000));
}
END_TEST

/* ------------------------------------------------- blind attacks: RFC 5961 */

START_TEST(tcp_rst_must_be_exact)
{
	unsigned long n = net_nsent;

	segment(THF_RST, -1, 0, 0);
	segment(THF_RST, 1 << 20, 0, 0);
	segment(THF_RST | THF_ACK, -70000, 0, 0);
	ck_assert_uint_eq(net_nsent, n);
	segment(THF_RST, 1, 0, 0);
	ck_assert(only_ack_since(n));
	n = net_nsent;
	segment(THF_RST, 60000, 0, 0);
	ck_assert(only_ack_since(n));
	ck_assert_uint_eq(tp->t_state, TCP_ESTAB);
	segment(THF_RST, 0, 0, 0);
	ck_assert_ptr_null(net_find(80, 1000));
	ck_assert_int_eq(receive(), -ECONNRESET);
	ck_assert_int_eq(receive(), 0);
}
END_TEST

START_TEST(tcp_syn_on_a_connection_is_challenged)
{
	static const int32_t at[] = {0, -1, 1, 1000, 1 << 20, -(1 << 20)};
	unsigned long n;

	for (unsigned i = 0; i < NELEM(at); i++) {
		n = net_nsent;
		segment(i & 1 ? THF_SYN : THF_SYN | THF_ACK, at[i], 0, 0);
		ck_assert(only_ack_since(n));
	}
	ck_assert_uint_eq(tp->t_state, TCP_ESTAB);
}
END_TEST

START_TEST(tcp_impossible_acks_are_challenged)
{
	unsigned long n = net_nsent;
	uint32_t una = tp->snd_una;

	segment(THF_ACK, 0, 1, 100);
	ck_assert(only_ack_since(n));
	n = net_nsent;
	segment(THF_ACK, 0, -100000, 100);
	ck_assert(only_ack_since(n));
	ck_assert_int_eq(receive(), -EAGAIN); /* their data is not taken */
	ck_assert_uint_eq(tp->snd_una, una);
	segment(0, 0, 0, 100); /* no ACK at all */
	ck_assert_int_eq(receive(), -EAGAIN);
	segment(THF_ACK, 0, 0, 100);
	ck_assert_int_eq(receive(), 100);
}
END_TEST

START_TEST(tcp_challenges_are_limited)
{
	unsigned long n = net_nsent;

	for (unsigned i = 0; i < 2000; i++)
		segment(THF_RST, 5, 0, 0);
	for (unsigned i = 0; i < 2000; i++)
		segment(THF_SYN, 5, 0, 0);
	for (unsigned i = 0; i < 2000; i++)
		segment(THF_ACK, 0, 5, 0);
	for (unsigned i = 0; i < 2000; i++)
		segment(THF_ACK, -5, 0, 0);
	ck_assert_uint_le(net_nsent - n, 100);
	ck_assert_uint_eq(tp->t_state, TCP_ESTAB);
}
END_TEST

START_TEST(tcp_old_timestamps_are_rejected_but_resets_are_not)
{
	uint8_t ts[12] = {1, 1, 8, 10, 0, 0, 0x10, 0};
	struct net_seg s = {.sport = 1001, .dport = 80, .win = 1000, .opt = ts, .optlen = 12};
	struct tcpcb *other = net_handshake(80, 1001, IRS, 1000, ts, 12);
	unsigned long n = net_nsent;
	int other_fd = accept_one();

	ck_assert_ptr_nonnull(other);
	ck_assert_int_ge(other_fd, 0);
	ts[6] = 0x0f; /* older */
	s.seq = other->rcv_nxt;
	s.ack = other->snd_max;
	s.flags = THF_ACK;
	s.data = data;
	s.len = 10;
	net_send_tcp(&s);
	ck_assert_uint_eq(net_nsent, n + 1);
	ck_assert_uint_eq(other->rcv_nxt, IRS + 1);
	s.flags = THF_RST;
	s.len = 0;
	net_send_tcp(&s);
	ck_assert_ptr_null(net_find(80, 1001));
	ck_assert_int_eq(do_sys_close(other_fd), 0);
}
END_TEST

START_TEST(tcp_icmp_errors_must_name_what_is_under_way)
{
	static const uint8_t codes[][2] = {
	    {3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 4}, {11, 0}, {12, 0}};
	uint8_t body[8 + 28] = {0};
	uint32_t mss = tp->t_maxseg;

	ck_assert_int_eq(do_sys_sendto(fd, data, 5000, 0, NULL, 0), 5000);
	for (unsigned i = 0; i < NELEM(codes); i++)
		for (unsigned k = 0; k < 3; k++) {
			memset(body, 0, sizeof(body));
			body[0] = codes[i][0];
			body[1] = codes[i][1];
			put16(body + 6, 68);
			body[8] = 0x45;
			put16(body + 10, 1500);
			body[17] = IP4_P_TCP;
			put32(body + 20, NET_US);
			put32(body + 24, NET_PEER);
			put16(body + 28, 80);
			put16(body + 30, 1000);
			put32(body + 32, k == 0	  ? tp->snd_una - 1
					 : k == 1 ? tp->snd_max
						  : tp->snd_una);
			net_deliver(frame,
			    net_ip(frame, IP4_P_ICMP, NET_PEER + 3, 0, 0, 0, body, sizeof(body)), 0,
			    0);
			net_check_tcpcb(tp);
			ck_assert_uint_eq(tp->t_state, TCP_ESTAB);
			/* "Too big" about a segment under way: but not smaller than anybody has. */
			if (k == 2 && codes[i][1] == 4)
				ck_assert_uint_ge(tp->t_maxseg, 512);
			else if (i < 4)
				ck_assert_uint_eq(tp->t_maxseg, mss);
		}
}
END_TEST
static Suite *make_suite(void)
{
	Suite *s = suite_create("tcpinput");
	TCase *tc = tcase_create("tcpinput");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, tcp_bad_headers_are_dropped);
	tcase_add_test(tc, tcp_options_without_sense_end_the_list);
	tcase_add_test(tc, tcp_to_a_closed_port_is_reset);
	tcase_add_test(tc, tcp_syn_flood_is_bounded_and_cookies_work);
	tcase_add_test(tc, tcp_handshake_needs_the_right_numbers);
	tcase_add_test(tc, tcp_full_accept_queue_takes_no_more);
	tcase_add_test(tc, tcp_simultaneous_open_can_be_closed_at_once);
	tcase_add_test(tc, tcp_rst_must_be_exact);
	tcase_add_test(tc, tcp_syn_on_a_connection_is_challenged);
	tcase_add_test(tc, tcp_impossible_acks_are_challenged);
	tcase_add_test(tc, tcp_challenges_are_limited);
	tcase_add_test(tc, tcp_old_timestamps_are_rejected_but_resets_are_not);
	tcase_add_test(tc, tcp_icmp_errors_must_name_what_is_under_way);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
