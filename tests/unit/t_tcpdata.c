/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data of TCP as a hostile or broken peer sends and acknowledges it (RFC 9293, RFC 5681): order,
 * windows, loss, ends.  On the wire of networld.h.
 */
#include <netinet/tcp.h>
#include <string.h>

#include <kern/file.h>
#include <kern/sysproto.h>

#include "check_main.h"
#include "native.h"
#include "tcpinput_world.h"

/* ------------------------------------------------------------------ data */

START_TEST(tcp_urgent_data_is_data)
{
	struct net_seg s = {.sport = 1000,
	    .dport = 80,
	    .seq = tp->rcv_nxt,
	    .ack = tp->snd_max,
	    .flags = THF_ACK | THF_URG,
	    .win = 1000,
	    .data = data,
	    .len = 50};
	static const uint16_t pointers[] = {0, 1, 25, 50, 51, 65535};

	for (unsigned i = 0; i < NELEM(pointers); i++) {
		s.urp = pointers[i];
		net_send_tcp(&s);
		net_check_tcpcb(tp);
		s.seq += 50;
		ck_assert_int_eq(receive(), 50);
		ck_assert_mem_eq(got, data, 50);
	}
}
END_TEST

START_TEST(tcp_segments_in_any_order_and_overlapping_give_the_stream)
{
	static const uint16_t pieces[][2] = {{500, 100}, {300, 100}, {350, 200}, {700, 1},
	    {650, 100}, {100, 50}, {90, 70}, {120, 10}, {200, 700}, {0, 95}, {10, 20}};
	long n = 0;

	for (unsigned i = 0; i < NELEM(pieces); i++)
		segment(THF_ACK, pieces[i][0], 0, pieces[i][1]);
	ck_assert_int_eq(n = receive(), 160);
	segment(THF_ACK, -5, 0, 100);
	ck_assert_int_eq(do_sys_recvfrom(fd, got + n, sizeof(got), 0, NULL, NULL), 740);
	ck_assert_mem_eq(got, data, 900);
	ck_assert_ptr_null(tp->t_reass);
}
END_TEST

START_TEST(tcp_waiting_segments_are_bounded)
{
	size_t before = native_alloc_live();

	for (unsigned i = 0; i < 20000; i++)
		segment(THF_ACK, (int32_t)(2 + i * 2), 0, 1);
	ck_assert_uint_le(native_alloc_live() - before, 256);
	segment(THF_ACK, 0, 0, 3);
	ck_assert_int_eq(receive(), 3);
}
END_TEST

START_TEST(tcp_fin_in_the_middle_of_data_is_nonsense)
{
	segment(THF_ACK, 100, 0, 100);
	for (unsigned at = 100; at < 200; at++)
		segment(THF_ACK | THF_FIN, (int32_t)at, 0, 0);
	segment(THF_ACK | THF_FIN, 50, 0, 100);
	segment(THF_ACK, 0, 0, 100);
	ck_assert_int_eq(receive(), 200);
	ck_assert_mem_eq(got, data, 200);
	ck_assert_int_eq(receive(), -EAGAIN);
	segment(THF_ACK | THF_FIN, 10, 0, 0);
	segment(THF_ACK, 0, 0, 10);
	ck_assert_int_eq(receive(), 10);
	ck_assert_int_eq(receive(), 0);
}
END_TEST

START_TEST(tcp_window_closes_and_takes_no_more)
{
	unsigned long n;
	size_t most;
	long r;

	for (unsigned i = 0; i < 1000; i++)
		segment(THF_ACK, 0, 0, 1000);
	ck_assert_uint_le(
	    tp->t_inpcb.inp_socket.so_rcv.sb_cc, tp->t_inpcb.inp_socket.so_rcv.sb_hiwat);
	ck_assert_uint_eq(tp->rcv_adv, tp->rcv_nxt);
	most = native_alloc_live();
	n = net_nsent;
	segment(THF_ACK, 0, 0, 1); /* a probe of the window: answered, not taken */
	ck_assert(only_ack_since(n));
	ck_assert_uint_le(native_alloc_live(), most);
	/* A FIN needs no room; the window stays closed, and what acknowledges is heard. */
	segment(THF_ACK | THF_FIN, 0, 0, 0);
	ck_assert_uint_eq(tp->t_state, TCP_CLOSE_WAIT_STATE);
	ck_assert_int_eq(do_sys_sendto(fd, data, 100, 0, NULL, 0), 100);
	ck_assert_uint_eq(net_sent_tcp(net_sent(0))->th_win, 0);
	segment(THF_ACK, 0, 0, 0);
	ck_assert_uint_eq(tp->snd_una, tp->snd_max);
	while ((r = receive()) > 0)
		continue;
	ck_assert_int_eq(r, 0);
}
END_TEST

START_TEST(tcp_data_beyond_what_was_announced_may_use_free_room)
{
	struct sockbuf *sb = &tp->t_inpcb.inp_socket.so_rcv;

	while (tp->rcv_adv - tp->rcv_nxt > 700)
		segment(THF_ACK, 0, 0, 700);
	/* Too little for an announcement is read; then more comes than was offered. */
	ck_assert_int_eq(do_sys_recvfrom(fd, got, 2000, 0, NULL, NULL), 2000);
	segment(THF_ACK, 0, 0, 1000);
	native_advance(NSEC_PER_SEC);
	segment(THF_ACK, 0, 0, 100);
	native_advance(NSEC_PER_SEC);
	ck_assert_uint_le(tp->rcv_adv - tp->rcv_nxt + sb->sb_cc, sb->sb_hiwat);
}
END_TEST

START_TEST(tcp_send_without_memory_tells_what_was_taken)
{
	const struct sockbuf *sb = &tp->t_inpcb.inp_socket.so_snd;
	uint32_t total = 0;
	long n;

	for (long k = 0; k < 60; k++) {
		native_alloc_fail(k);
		n = do_sys_sendto(fd, data, sizeof(data), 0, NULL, 0);
		native_alloc_fail(-1);
		ck_assert(n > 0 || n == -ENOBUFS || n == -EAGAIN);
		total += n > 0 ? (uint32_t)n : 0;
		ck_assert_uint_eq(tp->snd_una - tp->iss - 1 + sb->sb_cc, total);
		segment(THF_ACK, 0, 0, 0);
		native_advance(NSEC_PER_SEC);
	}
}
END_TEST

/* ------------------------------------------------------------ congestion */

/* Only an ACK: of all that was sent but the last `short_of` bytes, with this window. */
static void ack(uint32_t short_of, uint16_t win)
{
	struct net_seg s = {.sport = 1000,
	    .dport = 80,
	    .seq = tp->rcv_nxt,
	    .ack = tp->snd_max - short_of,
	    .flags = THF_ACK,
	    .win = win};

	net_send_tcp(&s);
	net_check_tcpcb(tp);
}

/* Segments with data among the last n that were sent. */
static unsigned data_segments(unsigned long n)
{
	const uint8_t *p;
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		if (net_sent_tcp(net_sent(i)) && net_tcp_payload(net_sent(i), &p) > 0)
			count++;
	return count;
}

START_TEST(tcp_window_grows_by_bytes_however_few_acks)
{
	uint32_t cwnd = tp->snd_cwnd;

	for (unsigned i = 0; i < 4; i++) { /* one ACK for each window: it doubles */
		ck_assert_int_gt(do_sys_sendto(fd, data, sizeof(data), MSG_DONTWAIT, NULL, 0), 0);
		ck_assert_uint_gt(tp->snd_max - tp->snd_una, KMIN(cwnd, 30000U) * 3 / 4);
		ack(0, 30000);
		if (i < 1)
			ck_assert_uint_ge(tp->snd_cwnd, cwnd * 2 - 2 * tp->t_maxseg);
		cwnd = tp->snd_cwnd;
	}
	/* Congestion avoidance: a segment for each window. */
	ack(0, 65535);
	tp->snd_ssthresh = tp->snd_cwnd = cwnd = 20 * tp->t_maxseg;
	while (tp->snd_una != tp->snd_max)
		ack(0, 65535);
	tp->snd_cwnd = cwnd;
	ck_assert_int_gt(do_sys_sendto(fd, data, 40 * 536, MSG_DONTWAIT, NULL, 0), 0);
	ck_assert_uint_ge(tp->snd_max - tp->snd_una, cwnd - tp->t_maxseg);
	ack(0, 65535);
	ck_assert_uint_ge(tp->snd_cwnd, cwnd + tp->t_maxseg * 9 / 10);
	ck_assert_uint_le(tp->snd_cwnd, cwnd + tp->t_maxseg);
}
END_TEST

START_TEST(tcp_loss_is_noticed_after_two_gigabytes)
{
	unsigned long n;

	tp->snd_recover = tp->snd_una - 0x80000000U + 150;
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(do_sys_sendto(fd, data, 100, 0, NULL, 0), 100);
		ack(0, 30000);
	}
	ck_assert_int_eq(do_sys_sendto(fd, data, 5000, 0, NULL, 0), 5000);
	n = net_nsent;
	for (unsigned i = 0; i < 3; i++)
		ack(tp->snd_max - tp->snd_una, 30000);
	ck_assert_uint_ge(data_segments(net_nsent - n), 1);
	ck_assert(tp->t_flags & TF_RECOVERY);
	ack(0, 30000);
}
END_TEST

START_TEST(tcp_answers_to_window_probes_are_no_duplicates)
{
	uint32_t cwnd;
	unsigned long n;

	ck_assert_int_eq(do_sys_sendto(fd, data, 100, 0, NULL, 0), 100);
	ack(0, 0);
	ck_assert_int_eq(do_sys_sendto(fd, data, 3000, 0, NULL, 0), 3000);
	cwnd = tp->snd_cwnd;
	for (unsigned i = 0; i < 6; i++) {
		n = net_nsent;
		while (net_nsent == n)
			ck_assert(native_step());
		ck_assert_uint_eq(tp->snd_max - tp->snd_una, 1);
		ck_assert_uint_eq(data_segments(net_nsent - n), 1);
		n = net_nsent;
		ack(1, 0);
		ck_assert_uint_eq(net_nsent, n);
		ck_assert_uint_eq(tp->t_dupacks, 0);
	}
	ck_assert_uint_eq(tp->snd_cwnd, cwnd);
	ck_assert(!(tp->t_flags & TF_RECOVERY));
	ack(1, 30000);
	for (unsigned i = 0; i < 2; i++)
		ack(0, 30000);
	ck_assert_uint_eq(tp->t_inpcb.inp_socket.so_snd.sb_cc, 0);
}
END_TEST

START_TEST(tcp_closed_by_the_program_ends_though_the_window_stays_shut)
{
	uint64_t start;
	unsigned long n;

	ck_assert_int_eq(do_sys_sendto(fd, data, 100, 0, NULL, 0), 100);
	ack(0, 0);
	ck_assert_int_eq(do_sys_sendto(fd, data, 3000, 0, NULL, 0), 3000);
	ck_assert_int_eq(do_sys_close(fd), 0);
	fd = -1;
	start = native_now();
	while ((tp = net_find(80, 1000)) != NULL) {
		ck_assert_uint_le(native_now() - start, 600 * NSEC_PER_SEC);
		n = net_nsent;
		ck_assert(native_step());
		net_arp_hello();
		if (net_nsent > n + 1 && net_find(80, 1000))
			ack(1, 0); /* it lives, but does not read */
	}
	ck_assert_uint_ge(native_now() - start, 60 * NSEC_PER_SEC);
}
END_TEST

START_TEST(tcp_sends_when_the_route_comes_back)
{
	ck_assert_int_eq(in_setaddr(&net_if, 0, 0), 0);
	ck_assert_int_eq(do_sys_sendto(fd, data, 100, 0, NULL, 0), 100);
	ck_assert_uint_eq(tp->snd_una, tp->snd_max);
	native_advance(5 * NSEC_PER_SEC);
	ck_assert_int_eq(in_setaddr(&net_if, hton32(NET_US), hton32(0xffffff00)), 0);
	net_arp_hello();
	native_advance(20 * NSEC_PER_SEC);
	ck_assert_uint_eq(tp->snd_max - tp->snd_una, 100);
	ack(0, 30000);
	ck_assert_uint_eq(tp->t_deadline[TT_REXMT], 0);
}
END_TEST

/* A socket, bound to port (0: not), whose connect to port 2000 times out or is refused. */
static int failed_connect(uint16_t port, bool refused)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_port = hton16(2000), .sin_addr.s_addr = hton32(NET_PEER)};
	struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = hton16(port)};
	int c = (int)do_sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error;
	struct net_seg s = {.sport = 2000, .flags = THF_RST | THF_ACK};
	unsigned len = sizeof(error);

	if (port)
		ck_assert_int_eq(do_sys_bind(c, (struct sockaddr *)&local, sizeof(local)), 0);
	ck_assert_int_eq(do_sys_connect(c, (struct sockaddr *)&sin, sizeof(sin)), -EINPROGRESS);
	native_advance(NSEC_PER_SEC / 2);
	s.dport = ntoh16(net_sent_tcp(net_sent(0))->th_sport);
	s.ack = ntoh32(net_sent_tcp(net_sent(0))->th_seq) + 1;
	if (refused)
		net_send_tcp(&s);
	else
		for (unsigned i = 0; i < 200 && net_find(s.dport, 2000); i++) {
			native_advance(NSEC_PER_SEC);
			net_arp_hello();
		}
	ck_assert_ptr_null(net_find(s.dport, 2000));
	ck_assert_int_eq(do_sys_listen(c, 1), -EINVAL); /* nobody has heard of it yet */
	ck_assert_int_eq(do_sys_getsockopt(c, SOL_SOCKET, SO_ERROR, &error, &len), 0);
	ck_assert_int_eq(error, refused ? ECONNREFUSED : ETIMEDOUT);
	return c;
}

START_TEST(tcp_connect_again_begins_anew)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_port = hton16(2001), .sin_addr.s_addr = hton32(NET_PEER)};
	int c = failed_connect(5000, false);
	struct tcpcb *again;

	ck_assert_int_eq(do_sys_connect(c, (struct sockaddr *)&sin, sizeof(sin)), -EINPROGRESS);
	again = net_find(5000, 2001);
	ck_assert_ptr_nonnull(again); /* the port is kept */
	ck_assert_uint_eq(again->t_rto, TCP_RTO_INIT);
	ck_assert_uint_eq(again->t_rxtshift, 0);
	ck_assert_int_eq(do_sys_close(c), 0);
}
END_TEST

START_TEST(tcp_listen_after_a_refused_connect_listens)
{
	for (uint16_t port = 0; port <= 5000; port += 5000) {
		int c = failed_connect(port, true), a;
		struct sockaddr_in sin;
		unsigned len = sizeof(sin);

		ck_assert_int_eq(do_sys_listen(c, 1), 0);
		ck_assert_int_eq(do_sys_getsockname(c, (struct sockaddr *)&sin, &len), 0);
		ck_assert_uint_eq(sin.sin_addr.s_addr, 0);
		ck_assert(port == 0 || sin.sin_port == hton16(port));
		ck_assert_ptr_nonnull(
		    net_handshake(ntoh16(sin.sin_port), 3000, IRS, 1000, NULL, 0));
		a = (int)do_sys_accept4(c, NULL, NULL, SOCK_NONBLOCK);
		ck_assert_int_ge(a, 0);
		ck_assert_int_eq(do_sys_close(a), 0);
		ck_assert_int_eq(do_sys_close(c), 0);
	}
}
END_TEST
static Suite *make_suite(void)
{
	Suite *s = suite_create("tcpdata");
	TCase *tc = tcase_create("tcpdata");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, tcp_urgent_data_is_data);
	tcase_add_test(tc, tcp_segments_in_any_order_and_overlapping_give_the_stream);
	tcase_add_test(tc, tcp_waiting_segments_are_bounded);
	tcase_add_test(tc, tcp_fin_in_the_middle_of_data_is_nonsense);
	tcase_add_test(tc, tcp_window_closes_and_takes_no_more);
	tcase_add_test(tc, tcp_data_beyond_what_was_announced_may_use_free_room);
	tcase_add_test(tc, tcp_send_without_memory_tells_what_was_taken);
	tcase_add_test(tc, tcp_window_grows_by_bytes_however_few_acks);
	tcase_add_test(tc, tcp_loss_is_noticed_after_two_gigabytes);
	tcase_add_test(tc, tcp_answers_to_window_probes_are_no_duplicates);
	tcase_add_test(tc, tcp_closed_by_the_program_ends_though_the_window_stays_shut);
	tcase_add_test(tc, tcp_sends_when_the_route_comes_back);
	tcase_add_test(tc, tcp_connect_again_begins_anew);
	tcase_add_test(tc, tcp_listen_after_a_refused_connect_listens);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
