/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What parameters point at.
 *
 * A structure is described by a text in which @ and a letter stand for what comes next in memory:
 *
 *	@l @u @x @p    8 bytes: signed, unsigned, hexadecimal, address
 *	@d @U @X       4 bytes: signed, unsigned, hexadecimal
 *	@h @n          2 bytes: number, port in network order
 *	@a             4 bytes: IPv4 address
 *	@m @M          4 or 2 bytes: mode of a file
 *	@g @S @H       8 bytes: set of signals; 4 bytes: signal; 8 bytes: signal handler
 *	@r             8 bytes: limit
 *	@f? @F?        4 or 2 bytes: flags of the set with the letter that follows
 *	@oNN           go on at the offset NN
 *	@zNN           a string of at most NN bytes
 */
#include <linux/un.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <kern/systm.h>
#include "strace_impl.h"

void strace_pointer(struct strace_line *o, unsigned long value)
{
	strace_put(o, value ? "%#lx" : "NULL", value);
}

static void quote(struct strace_line *o, const char *s, size_t len)
{
	static const char plain[] = "\"\\\n\t\r\v\f", escaped[] = "\"\\ntrvf";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		const char *p = c ? strchr(plain, c) : NULL;
		bool digit = i + 1 < len && s[i + 1] >= '0' && s[i + 1] <= '9';

		if (p)
			strace_put(o, "\\%c", escaped[p - plain]);
		else if (c >= ' ' && c < 0x7f)
			strace_put(o, "%c", c);
		else if (digit)
			strace_put(o, "\\%d%d%d", c >> 6, c >> 3 & 7, c & 7);
		else if (c >= 64)
			strace_put(o, "\\%d%d%d", c >> 6, c >> 3 & 7, c & 7);
		else if (c >= 8)
			strace_put(o, "\\%d%d", c >> 3, c & 7);
		else
			strace_put(o, "\\%d", c);
	}
}

void strace_bytes(struct strace_line *o, uintptr_t at, size_t len)
{
	char buf[STRACE_STRING_MAX];
	size_t n = KMIN(len, sizeof(buf));

	if (!at || (n && copyin((void *)at, buf, n) != 0)) {
		strace_pointer(o, at);
		return;
	}
	strace_put(o, "\"");
	quote(o, buf, n);
	strace_put(o, len > n ? "\"..." : "\"");
}

void strace_path(struct strace_line *o, uintptr_t at)
{
	char buf[64];
	size_t shown = 0, done;
	int error = copyinstr((void *)at, buf, sizeof(buf), &done);

	if (!at || error == EFAULT) {
		strace_pointer(o, at);
		return;
	}
	strace_put(o, "\"");
	while (error == ENAMETOOLONG && shown < STRACE_PATH_MAX) {
		quote(o, buf, sizeof(buf));
		shown += sizeof(buf);
		error = copyinstr((void *)(at + shown), buf, sizeof(buf), &done);
	}
	if (!error)
		quote(o, buf, done - 1);
	strace_put(o, error ? "\"..." : "\"");
}

void strace_sigset(struct strace_line *o, uint64_t set)
{
	const char *sep = "";
	/* As strace: the shorter of what is in it and what is not. */
	unsigned n = 0;
	bool most;

	for (unsigned i = 0; i < 64; i++)
		n += set >> i & 1;
	most = n > 32;
	strace_put(o, most ? "~[" : "[");
	if (most)
		set = ~set;
	for (int signo = 1; signo <= 64; signo++) {
		if (!(set & 1ULL << (signo - 1)))
			continue;
		strace_put(o, "%s", sep);
		if (signo < 32)
			strace_put(o, "%s", strace_signame(signo) + 3);
		else if (signo == 32)
			strace_put(o, "RTMIN");
		else
			strace_put(o, "RT_%d", signo - 32);
		sep = " ";
	}
	strace_put(o, "]");
}

static void mode(struct strace_line *o, unsigned value)
{
	if (value & ~0777U) {
		strace_flags(o, strace_flagset_letter('m'), value & ~0777U);
		strace_put(o, "|");
	}
	strace_put(o, "0%d%d%d", value >> 6 & 7, value >> 3 & 7, value & 7);
}

static void limit(struct strace_line *o, uint64_t value)
{
	if (value == RLIM_INFINITY)
		strace_put(o, "RLIM64_INFINITY");
	else if (value > 1024 && value % 1024 == 0)
		strace_put(o, "%lu*1024", value / 1024);
	else
		strace_put(o, "%lu", value);
}

static void handler(struct strace_line *o, uint64_t value)
{
	static const char *const names[] = {"SIG_DFL", "SIG_IGN"};

	if (value < NELEM(names))
		strace_put(o, "%s", names[value]);
	else
		strace_pointer(o, value);
}

/* What the letter c stands for; v is what was read. */
static void field(struct strace_line *o, char c, char set, uint64_t v)
{
	uint32_t v4 = (uint32_t)v;
	uint16_t v2 = (uint16_t)v;

	switch (c) {
	case 'l':
		strace_put(o, "%ld", (long)v);
		break;
	case 'u':
		strace_put(o, "%lu", v);
		break;
	case 'x':
		strace_put(o, "%#lx", v);
		break;
	case 'p':
		strace_pointer(o, v);
		break;
	case 'd':
		strace_put(o, "%d", (int)v4);
		break;
	case 'U':
		strace_put(o, "%u", v4);
		break;
	case 'X':
		strace_put(o, "%#x", v4);
		break;
	case 'h':
		strace_put(o, "%u", v2);
		break;
	case 'n':
		strace_put(o, "htons(%u)", __builtin_bswap16(v2));
		break;
	case 'a':
		strace_put(o, "inet_addr(\"%u.%u.%u.%u\")", v4 & 255, v4 >> 8 & 255, v4 >> 16 & 255,
		    v4 >> 24);
		break;
	case 'm':
		mode(o, v4);
		break;
	case 'M':
		mode(o, v2);
		break;
	case 'g':
		strace_sigset(o, v);
		break;
	case 'S':
		strace_signo(o, (int)v4);
		break;
	case 'H':
		handler(o, v);
		break;
	case 'r':
		limit(o, v);
		break;
	case 'f':
		strace_flags(o, strace_flagset_letter(set), v4);
		break;
	case 'F':
		strace_flags(o, strace_flagset_letter(set), v2);
		break;
	}
}

static size_t field_size(char c)
{
	return strchr("luxpgHr", c) ? 8 : strchr("hnMF", c) ? 2 : 4;
}

void strace_struct(struct strace_line *o, uintptr_t at, const char *f)
{
	uintptr_t start = at;
	unsigned before = o->len;
	char set = 0, text[66];
	uint64_t v;
	size_t n;

	if (!at) {
		strace_pointer(o, at);
		return;
	}
	for (; *f; f++) {
		if (*f != '@') {
			strace_put(o, "%c", *f);
			continue;
		}
		f++;
		if (*f == 'o' || *f == 'z') {
			n = (size_t)(f[1] - '0') * 10 + (size_t)(f[2] - '0');
			if (*f == 'o') {
				at = start + n;
			} else if (copyinstr((void *)at, text, n, NULL) == 0) {
				strace_put(o, "\"");
				quote(o, text, strlen(text));
				strace_put(o, "\"");
				at += n;
			}
			f += 2;
			continue;
		}
		n = field_size(*f);
		v = 0;
		if (copyin((void *)at, &v, n) != 0) {
			o->len = before;
			strace_pointer(o, start);
			return;
		}
		at += n;
		if (*f == 'f' || *f == 'F')
			set = f[1];
		field(o, *f, set, v);
		f += *f == 'f' || *f == 'F';
	}
}

static void in6(struct strace_line *o, const struct sockaddr_in6 *sin6)
{
	const uint8_t *a = sin6->sin6_addr.s6_addr;

	strace_put(o, "sin6_port=htons(%u), sin6_addr=\"", __builtin_bswap16(sin6->sin6_port));
	for (unsigned i = 0; i < 16; i += 2)
		strace_put(o, "%s%x", i ? ":" : "", a[i] << 8 | a[i + 1]);
	strace_put(o, "\"}");
}

void strace_sockaddr(struct strace_line *o, uintptr_t at, size_t len)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in6 sin6;
		struct sockaddr_un sun;
	} u = {0};

	len = KMIN(len, sizeof(u));
	if (!at || len < sizeof(u.sa.sa_family) || copyin((void *)at, &u, len) != 0) {
		strace_pointer(o, at);
		return;
	}
	strace_put(o, "{sa_family=");
	strace_flags(o, strace_flagset(STRACE_AF), u.sa.sa_family);
	if (u.sa.sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		strace_struct(o, at + sizeof(u.sa.sa_family), ", sin_port=@n, sin_addr=@a}");
	} else if (u.sa.sa_family == AF_INET6 && len >= sizeof(u.sin6)) {
		strace_put(o, ", ");
		in6(o, &u.sin6);
	} else if (u.sa.sa_family == AF_UNIX) {
		const char *path = u.sun.sun_path;
		size_t n = len - offsetof(struct sockaddr_un, sun_path);
		bool abstract = n > 1 && !*path;

		if (!abstract)
			n = strnlen(path, n);
		strace_put(o, abstract ? ", sun_path=@\"" : ", sun_path=\"");
		quote(o, path + abstract, n - abstract);
		strace_put(o, "\"}");
	} else {
		strace_put(o, ", ...}");
	}
}

void strace_iovec(struct strace_line *o, uintptr_t at, unsigned long n, size_t left)
{
	struct iovec iov;

	if (!at || (n && copyin((void *)at, &iov, sizeof(iov)) != 0)) {
		strace_pointer(o, at);
		return;
	}
	strace_put(o, "[");
	for (unsigned long i = 0; i < n; i++, at += sizeof(iov)) {
		if (i == STRACE_ITEMS_MAX || copyin((void *)at, &iov, sizeof(iov)) != 0) {
			strace_put(o, ", ...");
			break;
		}
		strace_put(o, i ? ", {iov_base=" : "{iov_base=");
		strace_bytes(o, (uintptr_t)iov.iov_base, KMIN(iov.iov_len, left));
		left -= KMIN(iov.iov_len, left);
		strace_put(o, ", iov_len=%lu}", iov.iov_len);
	}
	strace_put(o, "]");
}

void strace_msghdr(struct strace_line *o, uintptr_t at, size_t left)
{
	struct msghdr m;

	if (!at || copyin((void *)at, &m, sizeof(m)) != 0) {
		strace_pointer(o, at);
		return;
	}
	strace_put(o, "{msg_name=");
	strace_sockaddr(o, (uintptr_t)m.msg_name, m.msg_namelen);
	strace_put(o, ", msg_namelen=%u, msg_iov=", m.msg_namelen);
	strace_iovec(o, (uintptr_t)m.msg_iov, (unsigned)m.msg_iovlen, left);
	strace_put(o, ", msg_iovlen=%u, msg_controllen=%u, msg_flags=", (unsigned)m.msg_iovlen,
	    (unsigned)m.msg_controllen);
	strace_flags(o, strace_flagset_letter('g'), (unsigned)m.msg_flags);
	strace_put(o, "}");
}

void strace_pollfds(struct strace_line *o, uintptr_t at, unsigned long n, bool after)
{
	const char *sep = "";
	struct pollfd p;

	if (!at || (n && copyin((void *)at, &p, sizeof(p)) != 0)) {
		strace_pointer(o, at);
		return;
	}
	strace_put(o, "[");
	for (unsigned long i = 0, shown = 0; i < n; i++, at += sizeof(p)) {
		if (shown == STRACE_ITEMS_MAX || copyin((void *)at, &p, sizeof(p)) != 0) {
			strace_put(o, ", ...");
			break;
		}
		if (after && !p.revents)
			continue;
		strace_put(o, after ? "%s{fd=%d, revents=" : "%s{fd=%d, events=", sep, p.fd);
		strace_flags(
		    o, strace_flagset_letter('p'), (uint16_t)(after ? p.revents : p.events));
		strace_put(o, "}");
		sep = ", ";
		shown++;
	}
	strace_put(o, "]");
}

void strace_epolls(struct strace_line *o, uintptr_t at, unsigned long n)
{
	strace_put(o, "[");
	for (unsigned long i = 0; i < n; i++) {
		if (i == STRACE_ITEMS_MAX) {
			strace_put(o, ", ...");
			break;
		}
		strace_put(o, i ? ", " : "");
		strace_struct(o, at + i * sizeof(struct epoll_event), "{events=@fe, data=@x}");
	}
	strace_put(o, "]");
}

void strace_fdset(struct strace_line *o, uintptr_t at, unsigned n)
{
	const char *sep = "";
	uint64_t word = 0;

	if (!at || copyin((void *)at, &word, sizeof(word)) != 0) {
		strace_pointer(o, at);
		return;
	}
	strace_put(o, "[");
	for (unsigned fd = 0; fd < KMIN(n, (unsigned)FD_SETSIZE); fd++) {
		if (fd % 64 == 0 && copyin((void *)(at + fd / 8), &word, sizeof(word)) != 0)
			break;
		if (word & 1ULL << fd % 64) {
			strace_put(o, "%s%u", sep, fd);
			sep = " ";
		}
	}
	strace_put(o, "]");
}

void strace_siginfo(struct strace_line *o, const siginfo_t *info)
{
	static const struct {
		int code;
		const char *name;
	} codes[] = {{SI_USER, "SI_USER"}, {SI_KERNEL, "SI_KERNEL"}, {SI_QUEUE, "SI_QUEUE"},
	    {SI_TIMER, "SI_TIMER"}, {SI_MESGQ, "SI_MESGQ"}, {SI_ASYNCIO, "SI_ASYNCIO"},
	    {SI_TKILL, "SI_TKILL"}};
	bool fault = info->si_code > 0 && info->si_code != SI_KERNEL;
	const char *name = NULL;

	for (unsigned i = 0; i < NELEM(codes); i++)
		if (codes[i].code == info->si_code)
			name = codes[i].name;
	strace_put(o, "{si_signo=");
	strace_signo(o, info->si_signo);
	if (info->si_signo == SIGSEGV && fault)
		name = info->si_code == SEGV_MAPERR ? "SEGV_MAPERR" : "SEGV_ACCERR";
	if (name)
		strace_put(o, ", si_code=%s", name);
	else
		strace_put(o, ", si_code=%d", info->si_code);
	if (fault) {
		strace_put(o, ", si_addr=");
		strace_pointer(o, (unsigned long)info->si_addr);
	} else if (info->si_code == SI_TIMER) {
		strace_put(o, ", si_timerid=%d, si_overrun=%d", info->si_timerid, info->si_overrun);
	} else if (info->si_code != SI_KERNEL) {
		strace_put(o, ", si_pid=%d, si_uid=%d", info->si_pid, info->si_uid);
	}
	if (info->si_code == SI_QUEUE || info->si_code == SI_TIMER)
		strace_put(o, ", si_value=%#lx", (unsigned long)info->si_value.sival_ptr);
	strace_put(o, "}");
}
