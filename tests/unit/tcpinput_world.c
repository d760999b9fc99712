/* SPDX-License-Identifier: BSD-2-Clause */
#include <netinet/tcp.h>
#include <string.h>

#include <kern/file.h>
#include <kern/sysproto.h>

#include "check_main.h"
#include "native.h"
#include "tcpinput_world.h"

uint8_t frame[NET_FRAME_MAX], data[66000], got[66000];
int listener, fd;
struct tcpcb *tp;
static size_t live;

int accept_one(void)
{
	return (int)do_sys_accept4(listener, NULL, NULL, SOCK_NONBLOCK);
}

void setup(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = hton16(80)};
	int spare[8];

	net_start();
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	for (int i = 0; i < 8; i++) /* files are kept when they are closed */
		spare[i] = (int)do_sys_socket(AF_INET, SOCK_STREAM, 0);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(do_sys_close(spare[i]), 0);
	live = native_alloc_live();
	listener = (int)do_sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(do_sys_bind(listener, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(do_sys_listen(listener, 8), 0);
	tp = net_handshake(80, 1000, IRS, 30000, NULL, 0);
	ck_assert_ptr_nonnull(tp);
	fd = accept_one();
	ck_assert_int_ge(fd, 0);
}

void teardown(void)
{
	struct net_seg s = {.sport = 1000, .dport = 80, .flags = THF_RST};

	tp = net_find(80, 1000);
	if (tp) {
		net_check_tcpcb(tp);
		s.seq = tp->rcv_nxt;
		net_send_tcp(&s);
	}
	ck_assert_ptr_null(net_find(80, 1000));
	if (fd >= 0)
		ck_assert_int_eq(do_sys_close(fd), 0);
	ck_assert_int_eq(do_sys_close(listener), 0);
	ck_assert(net_quiesce(100000));
	ck_assert_uint_eq(native_alloc_live(), live);
}

void segment(uint8_t flags, int32_t seq, int32_t ack, size_t len)
{
	struct net_seg s = {.sport = 1000,
	    .dport = 80,
	    .seq = tp->rcv_nxt + (uint32_t)seq,
	    .ack = tp->snd_max + (uint32_t)ack,
	    .flags = flags,
	    .win = 30000,
	    .data = data + (tp->rcv_nxt + (uint32_t)seq - IRS - 1) % 60000,
	    .len = len};

	net_send_tcp(&s);
	net_check_tcpcb(tp);
}

bool only_ack_since(unsigned long n)
{
	const struct tcphdr4 *th = net_sent_tcp(net_sent(0));
	const uint8_t *p;

	return net_nsent == n + 1 && th && th->th_flags == THF_ACK &&
	       ntoh32(th->th_ack) == tp->rcv_nxt && net_tcp_payload(net_sent(0), &p) == 0;
}

long receive(void)
{
	return do_sys_recvfrom(fd, got, sizeof(got), 0, NULL, NULL);
}
