/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network's receive path: Ethernet, ARP, IPv4, fragments, ICMP, UDP, TCP, sockets, as linked,
 * on the wire of tests/unit/networld.c.
 *
 * An input is two bytes of set-up (what the connections that exist from the start are like), then
 * records: kind, how to deliver, argument, length, payload.  Records are frames, time that passes,
 * and calls on sockets.  Frames are made right where a record does not ask for something wrong:
 * checksums, and sequence numbers relative to where the connection is, or no input would get
 * beyond the first check.
 *
 * What must hold: after each record net_check_tcpcb() of every connection; every byte of a stream
 * is a function of its sequence number, so what programs read and what is sent (again) can be
 * checked; in the end a peer that behaves can go on with what is still established; and when all
 * is closed and time has passed, no memory is in use.
 *
 * NETINPUT_TRACE=1 f_netinput FILE tells what the records are.
 */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <net/if_arp.h>

#include <kern/file.h>
#include <kern/sysproto.h>

#include "native.h"
#include "networld.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (!(cond))                                                                       \
			panic("%s:%d: %s", __FILE__, __LINE__, #cond);                             \
	} while (0)

#define TCP_PORT   80
#define UDP_PORT   53
#define FIRST_PORT 1000U /* of the peer's ends: FIRST_PORT + 0..7 */
#define PEER_PORT  2000U /* that the peer listens on */
#define NCONN	   8
#define NFD	   12

enum { K_TCP, K_TCP2, K_SOCK, K_TIME, K_IP, K_UDP, K_ICMP, K_FRAG, K_ARP, K_MAX };

struct record {
	uint8_t kind, how, arg, len;
	uint8_t p[];
};

/* Set-up, first byte. */
#define S_TIMESTAMPS 0x01
#define S_WSCALE     0x02
#define S_MSS	     0x04
#define S_TWO	     0x08 /* two connections */
#define S_UNACCEPTED 0x10
#define S_SMALLBUF   0x20
#define S_SILENT     0x40 /* the peer says nothing in the end, rather than to reset everything */
#define S_NODELAY    0x80

struct end {
	int fd; /* -1: free */
	bool tcp;
	uint32_t sent, received;
};
static struct end ends[NFD];
static int listener, udp;
static bool tainted;	     /* bytes may have come that are not of the pattern */
static uint16_t last_active; /* our port of the connection we opened last */
static uint8_t frame[NET_FRAME_MAX];
static size_t baseline;
static bool trace;

static uint8_t pattern(uint32_t seq)
{
	return (uint8_t)(seq * 2654435761U >> 24);
}

/* ------------------------------------------------------------- programs */

static struct sockaddr_in name(uint32_t addr, uint16_t port)
{
	return (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = hton16(port), .sin_addr.s_addr = hton32(addr)};
}

static int open_socket(int type, uint16_t port)
{
	struct sockaddr_in sin = name(0, port);
	int fd = (int)do_sys_socket(AF_INET, type | SOCK_NONBLOCK, 0);

	REQUIRE(fd >= 0);
	if (port)
		REQUIRE(do_sys_bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	return fd;
}

static void set(int fd, int level, int option, int value)
{
	(void)do_sys_setsockopt(fd, level, option, &value, sizeof(value));
}

static struct tcpcb *pcb_of(const struct end *e)
{
	struct tcpcb *tp;
	struct file *fp;

	REQUIRE(fd_getfile(e->fd, &fp) == 0);
	tp = so_tcpcb(file_socket(fp));
	fd_putfile(fp);
	return tp;
}

static struct end *new_end(int fd, bool tcp)
{
	for (struct end *e = ends; e < ends + NFD; e++)
		if (e->fd < 0) {
			*e = (struct end){.fd = fd, .tcp = tcp};
			return e;
		}
	REQUIRE(do_sys_close(fd) == 0);
	return NULL;
}

static void close_end(struct end *e)
{
	REQUIRE(do_sys_close(e->fd) == 0);
	e->fd = -1;
}

static void accept_one(void)
{
	struct sockaddr_in sin;
	unsigned len = sizeof(sin);
	long fd = do_sys_accept4(listener, (struct sockaddr *)&sin, &len, SOCK_NONBLOCK);

	if (fd >= 0)
		(void)new_end((int)fd, true);
}

static void receive(struct end *e, size_t want, int flags)
{
	static uint8_t buf[20000];
	uint32_t seq = pcb_of(e)->irs + 1 + e->received;
	long n = do_sys_recvfrom(e->fd, buf, KMIN(want, sizeof(buf)), flags, NULL, NULL);

	REQUIRE(n <= (long)sizeof(buf));
	for (long i = 0; i < n && !tainted; i++)
		REQUIRE(buf[i] == pattern(seq + (uint32_t)i));
	if (n > 0 && !(flags & MSG_PEEK))
		e->received += (uint32_t)n;
}

static void send_stream(struct end *e, size_t want, int flags)
{
	static uint8_t buf[40000];
	uint32_t seq = pcb_of(e)->iss + 1 + e->sent;
	long n;

	want = KMIN(want, sizeof(buf));
	for (size_t i = 0; i < want; i++)
		buf[i] = pattern(seq + (uint32_t)i);
	n = do_sys_sendto(e->fd, buf, want, flags | MSG_NOSIGNAL, NULL, 0);
	REQUIRE(n <= (long)want);
	if (n > 0)
		e->sent += (uint32_t)n;
}

static void connect_out(void)
{
	struct sockaddr_in sin = name(NET_PEER, PEER_PORT);
	int fd = (int)do_sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct end *e = fd >= 0 ? new_end(fd, true) : NULL; /* memory may be short */

	if (!e)
		return;
	REQUIRE(do_sys_connect(e->fd, (struct sockaddr *)&sin, sizeof(sin)) == -EINPROGRESS);
	last_active = ntoh16(pcb_of(e)->t_inpcb.inp_lport);
}

static void udp_traffic(unsigned what)
{
	struct sockaddr_in sin = name(NET_PEER, 9);
	unsigned len = sizeof(sin);
	uint8_t buf[4000] = {0};

	switch (what % 4) {
	case 0:
		(void)do_sys_recvfrom(
		    udp, buf, sizeof(buf), what & 16 ? MSG_PEEK : 0, (struct sockaddr *)&sin, &len);
		break;
	case 1:
		(void)do_sys_recvfrom(udp, buf, 1, MSG_TRUNC, NULL, NULL);
		break;
	case 2:
		(void)do_sys_sendto(
		    udp, buf, (what >> 2) * 60U, 0, (struct sockaddr *)&sin, sizeof(sin));
		break;
	default:
		if (what & 16)
			sin.sin_family = AF_UNSPEC;
		(void)do_sys_connect(udp, (struct sockaddr *)&sin, sizeof(sin));
	}
}

static void change(struct end *e, unsigned what)
{
	static const struct {
		int level, option;
	} options[] = {{SOL_SOCKET, SO_RCVBUF}, {SOL_SOCKET, SO_SNDBUF}, {SOL_SOCKET, SO_KEEPALIVE},
	    {IPPROTO_TCP, TCP_NODELAY}, {IPPROTO_TCP, TCP_CORK}, {IPPROTO_TCP, TCP_KEEPIDLE},
	    {IPPROTO_TCP, TCP_USER_TIMEOUT}, {IPPROTO_TCP, TCP_MAXSEG}};
	static const int values[] = {0, 1, 100, 1000, 3000, 20000, 1000000, -1};
	struct linger l = {1, what & 8 ? 0 : 1};
	struct tcp_info ti;
	unsigned len = sizeof(ti);
	int n;

	if (what % 8 == 0)
		net_window_strict = false;
	set(e->fd, options[what % 8].level, options[what % 8].option, values[what / 8 % 8]);
	if (what >> 6 == 1 && l.l_linger == 0)
		(void)do_sys_setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	if (what >> 6 == 2)
		(void)do_sys_getsockopt(e->fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
	if (what >> 6 == 3)
		(void)do_sys_ioctl(e->fd, FIONREAD, &n);
}

/* arg: the call; payload: which socket, how much. */
static void socket_call(const struct record *r)
{
	unsigned which = r->len > 0 ? r->p[0] : 0, amount = r->len > 1 ? r->p[1] : 1;
	size_t bytes = amount < 128 ? amount : (amount - 127UL) * 200;
	struct end *e = &ends[which % NFD];

	for (int i = 0; i < NFD && e->fd < 0; i++)
		e = e == &ends[NFD - 1] ? ends : e + 1;
	if (r->arg % 16 == 0)
		accept_one();
	else if (r->arg % 16 == 1)
		connect_out();
	else if (r->arg % 16 == 2)
		udp_traffic(amount);
	else if (e->fd < 0)
		return;
	else if (r->arg % 16 == 3)
		close_end(e);
	else if (r->arg % 16 == 4)
		(void)do_sys_shutdown(e->fd, (int)amount % 3);
	else if (r->arg % 16 == 5)
		change(e, amount);
	else if (r->arg % 16 < 10)
		receive(e, bytes, r->arg & 16 ? MSG_PEEK : 0);
	else
		send_stream(e, bytes, r->arg & 16 ? MSG_MORE : 0);
}

/* --------------------------------------------------------------- frames */

/* Where a tuple is, whatever there is of it. */
static uint32_t last_seq[NCONN + 1], last_ack[NCONN + 1];

static void deliver(const struct record *r, size_t len)
{
	static const uint8_t splits[8] = {0, 1, 3, 8, 20, 33, 41, 100};
	unsigned flags = 0;

	if (r->how & 1)
		flags |= NET_HOLD;
	if (r->how & 2)
		flags |= NET_EXT;
	if (r->how & 4)
		flags |= NET_SMALL;
	if (r->how & 0x40)
		memset(frame, 0xff, 6);
	if ((r->how & 0x80) && len >= 34 && get16(frame + 12) == ETHER_TYPE_IP) {
		put32(frame + 30, NET_US | 0xff);
		net_fix(frame, len, NET_FIX_IPSUM | NET_FIX_L4);
	}
	net_deliver(frame, len, splits[r->how >> 3 & 7], flags);
}

/* A byte, or two, of the payload; 0 behind its end. */
static uint8_t u8(const struct record *r, unsigned at)
{
	return at < r->len ? r->p[at] : 0;
}

static int16_t s16(const struct record *r, unsigned at)
{
	return (int16_t)(u8(r, at) | u8(r, at + 1) << 8);
}

static uint32_t choose_seq(const struct tcpcb *tp, unsigned conn, unsigned how)
{
	if (!tp)
		return last_ack[conn];
	switch (how) {
	case 0:
		return tp->rcv_nxt;
	case 1:
		return tp->last_ack_sent;
	case 2:
		return tp->rcv_adv;
	default:
		return tp->irs;
	}
}

static uint32_t choose_ack(const struct tcpcb *tp, unsigned conn, unsigned how)
{
	if (!tp)
		return last_seq[conn];
	switch (how) {
	case 0:
		return tp->snd_max;
	case 1:
		return tp->snd_una;
	case 2:
		return tp->snd_nxt;
	default:
		return tp->iss;
	}
}

/*
 * arg: connection (4 bits), sequence number and acknowledgement are relative to (2 bits each).
 * payload: flags, option words and mode, sequence number, acknowledgement, window, length, options.
 */
static void tcp_frame(const struct record *r)
{
	unsigned conn = r->arg & 7, optlen = (u8(r, 1) & 15U) * 4;
	bool active = r->arg & 8;
	struct net_seg s = {.sport = (uint16_t)(active ? PEER_PORT : FIRST_PORT + conn),
	    .dport = active ? last_active : TCP_PORT,
	    .flags = u8(r, 0),
	    .win = (uint16_t)s16(r, 6),
	    .len = u8(r, 8) < 128 ? u8(r, 8) : (u8(r, 8) - 127U) * 60};
	const struct tcpcb *tp = net_find(s.dport, s.sport);
	unsigned shift = u8(r, 1) & 0x80 ? 8 : 0;
	static uint8_t data[8192];
	uint8_t opt[40] = {0};

	if (active)
		conn = NCONN;
	s.seq = choose_seq(tp, conn, r->arg >> 4 & 3) + ((uint32_t)s16(r, 2) << shift);
	s.ack = choose_ack(tp, conn, r->arg >> 6) + ((uint32_t)s16(r, 4) << shift);
	optlen = KMIN(optlen, 40U);
	for (unsigned i = 0; i < optlen; i++)
		opt[i] = u8(r, 9 + i);
	if ((u8(r, 1) & 0x40) && tp && (tp->t_flags & TF_TS)) {
		put32(opt, 0x0101080a);
		put32(opt + 4, tp->ts_recent + (uint32_t)(int8_t)u8(r, 9));
		put32(opt + 8, tcp_ts(nanouptime(), tp->ts_offset));
		optlen = TCP_TSOPT_LEN;
	}
	s.opt = opt;
	s.optlen = optlen;
	s.urp = u8(r, 1) & 0x20 ? (uint16_t)s.win : 0;
	for (size_t i = 0; i < s.len; i++)
		data[i] = pattern(s.seq + !!(s.flags & THF_SYN) + (uint32_t)i);
	s.data = data;
	if (trace)
		fprintf(stderr, "    %u > %u flags %02x seq %x ack %x win %u len %zu opt %u\n",
		    s.sport, s.dport, s.flags, s.seq, s.ack, s.win, s.len, s.optlen);
	deliver(r, net_tcp(frame, &s));
}

/* arg: what is made right.  payload: the packet from the IPv4 header on. */
static void ip_frame(const struct record *r)
{
	uint8_t *ip = frame + 14;
	size_t len = 14U + r->len;

	memcpy(frame, net_our_mac, 6);
	memcpy(frame + 6, net_peer_mac, 6);
	put16(frame + 12, r->arg & 0x80 ? ETHER_TYPE_ARP : ETHER_TYPE_IP);
	memcpy(ip, r->p, r->len);
	if (r->arg & 0x40) {
		memset(frame + len, 0, 600);
		len += 600;
	}
	if (len >= 34 && r->arg & 0x08)
		ip[0] = (uint8_t)(0x40 | KMAX(ip[0] & 15, 5));
	if (len >= 34 && r->arg & 0x10)
		put32(ip + 12, NET_PEER);
	if (len >= 34 && r->arg & 0x20)
		put32(ip + 16, NET_US);
	net_fix(frame, len, r->arg & NET_FIX_ALL);
	if (len >= 34 && ip[9] == IP4_P_TCP)
		tainted = true;
	deliver(r, len);
}

static void udp_frame(const struct record *r)
{
	uint8_t data[1000] = {0};
	size_t n = u8(r, 0) * 4U, len;

	len = net_udp(frame, 9, r->arg & 1 ? 54 : UDP_PORT, data, KMIN(n, sizeof(data)));
	if (r->arg & 2)
		put16(frame + 38, (uint16_t)s16(r, 1));
	if (r->arg & 4)
		put32(frame + 30, r->arg & 8 ? 0xffffffff : NET_US | 0xff);
	net_fix(frame, len, r->arg & 16 ? NET_FIX_IPSUM : NET_FIX_ALL);
	deliver(r, len);
}

/* An error about, or an echo of, a frame that we sent. */
static void icmp_frame(const struct record *r)
{
	const struct net_sent *about = net_sent(u8(r, 4) % 16);
	uint8_t body[8 + 80] = {u8(r, 0), u8(r, 1)};
	unsigned at = u8(r, 5), quote = 0;

	put16(body + 6, (uint16_t)s16(r, 2));
	if (net_sent_ip(about)) {
		quote = KMIN(about->len - 14, r->arg & 1 ? 80U : 28U);
		memcpy(body + 8, about->frame + 14, quote);
	}
	if (at > 0 && at <= quote)
		body[7 + at] ^= u8(r, 6);
	deliver(
	    r, net_ip(frame, IP4_P_ICMP, r->arg & 2 ? NET_PEER + 5 : 0, 0, 0, 0, body, 8 + quote));
}

/* arg: identification and protocol.  payload: offset, length in words, flags. */
static void frag_frame(const struct record *r)
{
	static const uint8_t protocols[4] = {IP4_P_UDP, IP4_P_ICMP, IP4_P_TCP, 99};
	uint8_t body[1480] = {0};
	size_t len = KMIN(u8(r, 2) * 8UL, sizeof(body));
	uint16_t off = (uint16_t)s16(r, 0) & (IP4_MF | IP4_OFFMASK);

	if (u8(r, 3) & 1)
		len += len < sizeof(body) ? 3 : 0;
	put16(body, r->arg & 0x40 ? 0x0800 : 9); /* the port, or an echo */
	put16(body + 2, UDP_PORT);
	put16(body + 4, (uint16_t)(u8(r, 3) >> 1) * 16U);
	if (protocols[r->arg & 3] == IP4_P_TCP)
		tainted = true;
	deliver(r, net_ip(frame, protocols[r->arg & 3], u8(r, 3) & 0x80 ? NET_PEER + 1 : 0, 0, off,
		       r->arg >> 2 & 15, body, len));
}

static void arp_frame(const struct record *r)
{
	uint8_t *ar = frame + 14;
	size_t len = 14 + 28;

	memset(frame, 0xff, 6);
	memcpy(frame + 6, net_peer_mac, 6);
	put16(frame + 12, ETHER_TYPE_ARP);
	put32(ar, 0x00010800);
	put16(ar + 4, 0x0604);
	put16(ar + 6, u8(r, 0) & 1 ? ARPOP_REPLY : ARPOP_REQUEST);
	memcpy(ar + 8, net_peer_mac, 6);
	ar[13] = (uint8_t)(ar[13] + (u8(r, 0) >> 4));
	put32(ar + 14, NET_PEER + u8(r, 1));
	memset(ar + 18, 0, 6);
	put32(ar + 24, r->arg & 1 ? NET_PEER + u8(r, 2) : NET_US);
	if (r->arg & 2)
		ar[u8(r, 3) % 28] ^= u8(r, 4);
	if (r->arg & 4)
		len = 14U + u8(r, 5) % 28;
	deliver(r, len);
}

/* Time, or an allocation that is going to fail. */
static void pass_time(const struct record *r)
{
	static const uint32_t ms[] = {1, 40, 200, 1000, 3000, 15000, 61000, 700000};

	if (r->arg & 16)
		native_alloc_fail(r->arg >> 5 | (long)u8(r, 0) << 3);
	else if (r->arg & 8)
		(void)native_step();
	else
		native_advance(ms[r->arg & 7] * NSEC_PER_MSEC);
}

/* ---------------------------------------------------------- the whole */

static void sent(const struct net_sent *s)
{
	const struct tcphdr4 *th = net_sent_tcp(s);
	const uint8_t *data;
	unsigned conn;
	uint32_t seq;
	size_t n;

	if (!th)
		return;
	n = net_tcp_payload(s, &data);
	seq = ntoh32(th->th_seq);
	if (trace)
		fprintf(stderr, "    %u < %u flags %02x seq %x ack %x win %u len %zu\n",
		    ntoh16(th->th_dport), ntoh16(th->th_sport), th->th_flags, seq,
		    ntoh32(th->th_ack), ntoh16(th->th_win), n);
	for (size_t i = 0; i < n; i++)
		REQUIRE(data[i] == pattern(seq + (uint32_t)i));
	conn = ntoh16(th->th_dport) - FIRST_PORT;
	if (conn >= NCONN)
		conn = NCONN;
	last_seq[conn] = seq + (uint32_t)n + !!(th->th_flags & (THF_SYN | THF_FIN));
	if (th->th_flags & THF_ACK)
		last_ack[conn] = ntoh32(th->th_ack);
}

static void tell(const struct record *r)
{
	static const char *const kinds[K_MAX] = {
	    "tcp", "tcp", "call", "time", "ip", "udp", "icmp", "fragment", "arp"};

	fprintf(stderr, "%8.3f %s how %02x arg %02x", (double)nanouptime() / 1e9,
	    kinds[r->kind % K_MAX], r->how, r->arg);
	for (unsigned i = 0; i < r->len; i++)
		fprintf(stderr, " %02x", r->p[i]);
	fprintf(stderr, "\n");
}

static void check(void)
{
	struct tcpcb *tp;

	REQUIRE(native_locks_held() == 0);
	for (unsigned i = 0; i < NCONN; i++)
		if ((tp = net_find(TCP_PORT, (uint16_t)(FIRST_PORT + i))) != NULL)
			net_check_tcpcb(tp);
	for (struct end *e = ends; e < ends + NFD; e++)
		if (e->fd >= 0 && e->tcp)
			net_check_tcpcb(pcb_of(e));
}

static void set_up(uint8_t a, uint8_t b)
{
	static const uint8_t mss[4] = {2, 4, 0x05, 0xb4}, ts[12] = {1, 1, 8, 10, 0, 0, 0, 100};
	uint8_t opt[20];
	unsigned n = 0;

	net_arp_hello();
	listener = open_socket(SOCK_STREAM, TCP_PORT);
	REQUIRE(do_sys_listen(listener, 4) == 0);
	udp = open_socket(SOCK_DGRAM, UDP_PORT);
	if (a & S_SMALLBUF) {
		set(listener, SOL_SOCKET, SO_RCVBUF, 1000 + b * 16);
		set(listener, SOL_SOCKET, SO_SNDBUF, 1000 + b * 64);
	}
	set(listener, IPPROTO_TCP, TCP_NODELAY, !!(a & S_NODELAY));
	if (a & S_MSS) {
		memcpy(opt, mss, 4);
		n += 4;
	}
	if (a & S_WSCALE) {
		put32(opt + n, 0x01030300U | (b & 15));
		n += 4;
	}
	if (a & S_TIMESTAMPS) {
		memcpy(opt + n, ts, 12);
		n += 12;
	}
	for (unsigned i = 0; i < (a & S_TWO ? 2 : 1); i++) {
		REQUIRE(net_handshake(TCP_PORT, (uint16_t)(FIRST_PORT + i), 0xfffff000U + i,
		    a & S_SMALLBUF ? 500 : 30000, opt, n));
		if (!(a & S_UNACCEPTED))
			accept_one();
	}
}

/* A segment of a peer that knows where everything is. */
static void good_segment(struct tcpcb *tp, size_t len)
{
	static uint8_t data[4000];
	struct net_seg s = {.sport = ntoh16(tp->t_inpcb.inp_fport),
	    .dport = ntoh16(tp->t_inpcb.inp_lport),
	    .flags = THF_ACK,
	    .win = 30000,
	    .seq = tp->rcv_nxt,
	    .ack = tp->snd_max,
	    .data = data,
	    .len = KMIN(len, sizeof(data))};

	for (unsigned i = 0; i < s.len; i++)
		data[i] = pattern(s.seq + i);
	net_send_tcp(&s);
}

static void receive_all(struct end *e)
{
	uint32_t had;

	do {
		had = e->received;
		receive(e, 20000, 0);
	} while (e->received != had);
}

/*
 * Whatever happened: if the connection is established still, a peer that behaves can receive what
 * waits, and send.
 */
static void must_work(struct end *e)
{
	struct tcpcb *tp = pcb_of(e);
	const struct socket *so = tp_so(tp);
	uint32_t had, gap;

	net_arp_hello();
	/* The peer's window counts only from its latest segment on: fill the gap before that. */
	for (unsigned i = 0; tp->t_state == TCP_ESTAB; i++) {
		receive_all(e);
		gap = tp->t_reass ? (uint32_t)tp->t_reass->m_cookie - tp->rcv_nxt
		      : SEQ_GT(tp->snd_wl1, tp->rcv_nxt) ? tp->snd_wl1 - tp->rcv_nxt
							 : 0;
		if (gap == 0)
			break;
		REQUIRE(i < 2000);
		good_segment(tp, gap);
	}
	for (unsigned i = 0; so->so_snd.sb_cc > 0 && tp->t_state == TCP_ESTAB; i++) {
		REQUIRE(i < 1000);
		net_arp_hello();
		good_segment(tp, 0);
		native_advance((i % 8 == 7 ? 61000 : 200) * NSEC_PER_MSEC);
	}
	if (tp->t_state != TCP_ESTAB || (so->so_state & SS_CANTRCVMORE))
		return;
	receive_all(e);
	had = e->received;
	good_segment(tp, 100);
	receive_all(e);
	REQUIRE(e->received - had >= 100);
}

static void tear_down(bool silent)
{
	struct net_seg s = {.flags = THF_RST};
	struct tcpcb *tp;

	native_alloc_fail(-1);
	net_flush();
	for (struct end *e = ends; e < ends + NFD; e++)
		if (e->fd >= 0) {
			if (e->tcp && !silent)
				must_work(e);
			close_end(e);
		}
	REQUIRE(do_sys_close(listener) == 0 && do_sys_close(udp) == 0);
	for (unsigned i = 0; i < NCONN && !silent; i++)
		if ((tp = net_find(TCP_PORT, (uint16_t)(FIRST_PORT + i))) != NULL) {
			s.sport = (uint16_t)(FIRST_PORT + i);
			s.dport = TCP_PORT;
			s.seq = tp->rcv_nxt;
			net_send_tcp(&s);
			REQUIRE(!net_find(s.dport, s.sport));
		}
	REQUIRE(net_quiesce(5000));
	REQUIRE(native_alloc_live() == baseline || baseline == 0);
	native_advance(1000 * NSEC_PER_SEC); /* rate limits, path MTUs, cookies */
}

static void run_record(const struct record *r)
{
	switch (r->kind % K_MAX) {
	case K_TCP:
	case K_TCP2:
		tcp_frame(r);
		break;
	case K_SOCK:
		socket_call(r);
		break;
	case K_TIME:
		net_flush();
		pass_time(r);
		break;
	case K_IP:
		ip_frame(r);
		break;
	case K_UDP:
		udp_frame(r);
		break;
	case K_ICMP:
		icmp_frame(r);
		break;
	case K_FRAG:
		frag_frame(r);
		break;
	default:
		arp_frame(r);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = 2;
	unsigned n = 0;

	if (size < 2)
		return 0;
	tainted = false;
	last_active = 0;
	net_window_strict = true;
	set_up(data[0], data[1]);
	for (; size - at >= sizeof(struct record) && n < 200; n++) {
		const struct record *r = (const void *)(data + at);

		if (size - at - sizeof(*r) < r->len)
			break;
		if (trace)
			tell(r);
		run_record(r);
		check();
		at += sizeof(*r) + r->len;
	}
	tear_down(data[0] & S_SILENT);
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const uint8_t empty[2] = {0};
	int fds[2 * NFD];

	setenv("KILN_TEST_SEED", "1", 0);
	trace = getenv("NETINPUT_TRACE") != NULL;
	native_quiet = !trace;
	net_start();
	net_sent_hook = sent;
	for (struct end *e = ends; e < ends + NFD; e++)
		e->fd = -1;
	/* What is allocated once and kept: the table of descriptors. */
	for (int i = 0; i < 2 * NFD; i++)
		fds[i] = open_socket(SOCK_DGRAM, 0);
	for (int i = 0; i < 2 * NFD; i++)
		REQUIRE(do_sys_close(fds[i]) == 0);
	(void)LLVMFuzzerTestOneInput(empty, sizeof(empty));
	baseline = native_alloc_live();
	return 0;
}

/* ------------------------------------------------------------- mutation */

static unsigned next(unsigned *rng)
{
	*rng = *rng * 1103515245 + 12345;
	return *rng >> 8;
}

/* Offsets of the records of an input, and of its end. */
static unsigned find_records(const uint8_t *data, size_t size, size_t *at, unsigned max)
{
	unsigned n = 0;

	for (at[0] = 2; n + 1 < max && size - at[n] >= sizeof(struct record); n++) {
		size_t len = sizeof(struct record) + data[at[n] + 3];

		if (len > size - at[n])
			break;
		at[n + 1] = at[n] + len;
	}
	return n;
}

/* A record that means something, to be changed later. */
static size_t make_record(uint8_t *to, unsigned *rng)
{
	struct record *r = (void *)to;
	static const uint8_t flags[] = {THF_ACK, THF_ACK, THF_ACK | THF_PUSH, THF_ACK | THF_FIN,
	    THF_SYN, THF_RST, THF_SYN | THF_ACK, THF_RST | THF_ACK};
	static const uint8_t lens[K_MAX] = {10, 20, 2, 0, 40, 3, 7, 4, 6};

	r->kind = (uint8_t)(next(rng) % K_MAX);
	r->how = next(rng) % 3 ? 0 : (uint8_t)(next(rng) & 0x3f);
	r->arg = (uint8_t)next(rng);
	r->len = lens[r->kind];
	for (unsigned i = 0; i < r->len; i++)
		r->p[i] = next(rng) % 2 ? (uint8_t)next(rng) : 0;
	if (r->kind <= K_TCP2) {
		r->arg &= next(rng) % 2 ? 0 : 0xff;
		r->p[0] = flags[next(rng) % 8];
		r->p[1] = (uint8_t)(r->p[1] & 0xf0) | (r->kind == K_TCP ? 0x40 : 3);
		r->p[2] = r->p[3] = r->p[4] = r->p[5] = 0;
	}
	if (r->kind == K_IP)
		r->arg |= 0x38 | NET_FIX_ALL;
	return sizeof(*r) + r->len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	size_t at[201], len, from, made;
	unsigned rng = seed, n, i, j;
	uint8_t record[sizeof(struct record) + 255];

	if (size < 2)
		return LLVMFuzzerMutate(data, size, max_size);
	n = find_records(data, size, at, 201);
	i = n ? next(&rng) % n : 0;
	len = n ? at[i + 1] - at[i] : 0;
	switch (next(&rng) % 8) {
	case 0:
	case 1: /* a new one, or a copy of another, here */
		j = n ? next(&rng) % n : 0;
		made = n && next(&rng) % 2 ? at[j + 1] - at[j] : make_record(record, &rng);
		if (n && next(&rng) % 2 == 0 && made == at[j + 1] - at[j])
			memcpy(record, data + at[j], made);
		else
			made = make_record(record, &rng);
		if (size + made > max_size || n == 200)
			break;
		from = n ? at[i] : 2;
		memmove(data + from + made, data + from, size - from);
		memcpy(data + from, record, made);
		return size + made;
	case 2: /* one less */
		if (n < 2)
			break;
		memmove(data + at[i], data + at[i + 1], size - at[i + 1]);
		return size - len;
	case 3: /* the head of one, or the set-up */
		data[n && next(&rng) % 8 ? at[i] + next(&rng) % 3 : next(&rng) % 2] ^=
		    (uint8_t)(1U << next(&rng) % 8);
		return size;
	case 4:
	case 5: /* a byte of a payload */
		if (len <= sizeof(struct record))
			break;
		from = at[i] + sizeof(struct record) + next(&rng) % (len - sizeof(struct record));
		data[from] = next(&rng) % 2 ? (uint8_t)next(&rng)
					    : (uint8_t)(data[from] ^ 1U << next(&rng) % 8);
		return size;
	case 6: /* a payload as a whole: comparisons that libFuzzer has seen */
		if (len <= sizeof(struct record))
			break;
		(void)LLVMFuzzerMutate(data + at[i] + sizeof(struct record),
		    len - sizeof(struct record), len - sizeof(struct record));
		return size;
	default:
		break;
	}
	return LLVMFuzzerMutate(data, size, max_size);
}
