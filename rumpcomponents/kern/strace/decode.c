/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parameters and results, by their kinds.
 *
 * A kind that only comes back (k_out) is shown after the call, and so is what follows it; if the
 * call has failed, as the address that it is.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <kern/systm.h>
#include "strace_impl.h"

struct kind {
	void (*k_show)(struct strace_line *o, const struct strace_arg *a, const char *format);
	const char *k_format; /* of a structure; of a number */
	bool k_out;
};

static void show_int(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	(void)format;
	strace_put(o, "%d", (int)a->value);
}

static void show_unsigned(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	(void)format;
	strace_put(o, "%u", (unsigned)a->value);
}

static void show_long(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	(void)format;
	strace_put(o, "%ld", (long)a->value);
}

static void show_hex(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	(void)format;
	strace_put(o, a->value ? "%#lx" : "%lu", a->value);
}

static void show_pointer(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	(void)format;
	strace_pointer(o, a->value);
}

static void octal(struct strace_line *o, unsigned v)
{
	strace_put(o, v & 07000 ? "0%d" : "0", v >> 9 & 7);
	strace_put(o, "%d%d%d", v >> 6 & 7, v >> 3 & 7, v & 7);
}

static void show_octal(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	(void)format;
	octal(o, (unsigned)a->value);
}

static void show_dirfd(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	if ((int)a->value == AT_FDCWD)
		strace_put(o, "AT_FDCWD");
	else
		show_int(o, a, format);
}

static void show_signo(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	(void)format;
	strace_signo(o, (int)a->value);
}

static void show_path(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	(void)format;
	strace_path(o, a->value);
}

static void show_struct(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	strace_struct(o, a->value, format);
}

static void show_bytes(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	(void)format;
	strace_bytes(o, a->value, a->result < 0 ? a->all[a->i + 1] : (size_t)a->result);
}

static void show_sockaddr(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	uint32_t len = (uint32_t)a->all[a->i + 1];

	(void)format;
	/* One that comes back has its length in memory, too. */
	if (a->result >= 0 && copyin((void *)a->all[a->i + 1], &len, sizeof(len)) != 0)
		len = 0;
	strace_sockaddr(o, a->value, len);
}

static void show_iovec(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	(void)format;
	strace_iovec(o, a->value, a->all[a->i + 1], a->result < 0 ? SIZE_MAX : (size_t)a->result);
}

static void show_msghdr(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	(void)format;
	strace_msghdr(o, a->value, a->result < 0 ? SIZE_MAX : (size_t)a->result);
}

static void show_pollfds(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	(void)format;
	strace_pollfds(o, a->value, a->all[a->i + 1], false);
}

static void show_epolls(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	(void)format;
	strace_epolls(o, a->value, (unsigned long)a->result);
}

static void show_fdset(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	(void)format;
	strace_fdset(o, a->value, (unsigned)a->all[0]);
}

static void show_siginfo(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	siginfo_t info;

	(void)format;
	if (a->value && copyin((void *)a->value, &info, sizeof(info)) == 0)
		strace_siginfo(o, &info);
	else
		strace_pointer(o, a->value);
}

/* The option's level is the parameter before. */
static void show_sockopt(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	int level = (int)a->all[a->i - 1];

	if (level == SOL_SOCKET)
		strace_flags(o, &strace_sockopts, a->value);
	else if (level == IPPROTO_TCP)
		strace_flags(o, &strace_tcpopts, a->value);
	else
		show_int(o, a, format);
}

/* Level and name are the parameters before, the length or its address the next. */
static void show_sockval(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	uint32_t len = (uint32_t)a->all[a->i + 1];
	bool socket = (int)a->all[a->i - 2] == SOL_SOCKET;
	int name = (int)a->all[a->i - 1];

	(void)format;
	if (a->result >= 0 && copyin((void *)a->all[a->i + 1], &len, sizeof(len)) != 0)
		len = 0;
	if (len == 4)
		strace_struct(o, a->value, "[@d]");
	else if (len == 8 && socket && name == SO_LINGER)
		strace_struct(o, a->value, "{l_onoff=@d, l_linger=@d}");
	else if (len == 16 && socket && (name == SO_RCVTIMEO || name == SO_SNDTIMEO))
		strace_struct(o, a->value, "{tv_sec=@l, tv_usec=@l}");
	else
		strace_bytes(o, a->value, len);
}

static void show_fcntl_arg(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	switch (a->all[a->i - 1]) {
	case F_SETFD:
		strace_flags(o, &strace_cloexec_flags, a->value);
		break;
	case F_SETFL:
		strace_flags(o, &strace_open_flags, a->value);
		break;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
		strace_struct(o, a->value, "{l_type=@h, l_whence=@h, l_start=@o08@l, l_len=@l}");
		break;
	default:
		show_int(o, a, format);
	}
}

/* The timeout, or what the operation has in its place. */
#define FUTEX_CMD(op)	  ((op)&0x7f)
#define FUTEX_WAIT	  0
#define FUTEX_REQUEUE	  3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAKE_OP	  5
#define FUTEX_LOCK_PI	  6
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10

static void show_futex_rest(struct strace_line *o, const struct strace_arg *a, const char *format)
{
	switch (FUTEX_CMD(a->all[1])) {
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
	case FUTEX_WAKE_OP:
		show_unsigned(o, a, format);
		break;
	default:
		strace_struct(o, a->value, "{tv_sec=@l, tv_nsec=@l}");
	}
}

#define O_CREATES   (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))
#define TIMESPEC    "{tv_sec=@l, tv_nsec=@l}"
#define TIMEVAL	    "{tv_sec=@l, tv_usec=@l}"

#define INTERVAL(t) "{it_interval=" t ", it_value=" t "}"
#define LIMITS	    "{rlim_cur=@r, rlim_max=@r}"
#define STACK	    "{ss_sp=@p, ss_flags=@fs, ss_size=@o16@u}"
#define SIGACTION   "{sa_handler=@H, sa_mask=@o24@g, sa_flags=@o08@fa, sa_restorer=@o16@p}"

/* Shown before the call, or when it has come back; a structure with its format. */
#define IN(func)                                                                                   \
	{                                                                                          \
		.k_show = func                                                                     \
	}
#define OUT(func)                                                                                  \
	{                                                                                          \
		.k_show = func, .k_out = true                                                      \
	}
#define IN_AS(format)                                                                              \
	{                                                                                          \
		.k_show = show_struct, .k_format = format                                          \
	}
#define OUT_AS(format)                                                                             \
	{                                                                                          \
		.k_show = show_struct, .k_format = format, .k_out = true                           \
	}

static const struct kind kinds[STRACE_NKINDS] = {
    [STRACE_DECIMAL] = IN(show_int),
    [STRACE_UNSIGNED] = IN(show_unsigned),
    [STRACE_LONG] = IN(show_long),
    [STRACE_TIMEOUT] = IN(show_long),
    [STRACE_NORETURN] = IN(show_long),
    [STRACE_EXEC] = IN(show_long),
    [STRACE_HEX] = IN(show_hex),
    [STRACE_OCTAL] = IN(show_octal),
    [STRACE_CREATE_MODE] = IN(show_octal),
    [STRACE_PTR] = IN(show_pointer),
    [STRACE_DIRFD] = IN(show_dirfd),
    [STRACE_SIGNO] = IN(show_signo),
    [STRACE_SOCKOPT] = IN(show_sockopt),
    [STRACE_FCNTL_ARG] = IN(show_fcntl_arg),
    [STRACE_FUTEX_REST] = IN(show_futex_rest),
    [STRACE_STRING] = IN(show_path),
    [STRACE_OUT_STRING] = OUT(show_path),
    [STRACE_IN_BUF] = IN(show_bytes),
    [STRACE_OUT_BUF] = OUT(show_bytes),
    [STRACE_IN_SOCKVAL] = IN(show_sockval),
    [STRACE_OUT_SOCKVAL] = OUT(show_sockval),
    [STRACE_IN_IOVEC] = IN(show_iovec),
    [STRACE_OUT_IOVEC] = OUT(show_iovec),
    [STRACE_IN_MSGHDR] = IN(show_msghdr),
    [STRACE_OUT_MSGHDR] = OUT(show_msghdr),
    [STRACE_IN_SOCKADDR] = IN(show_sockaddr),
    [STRACE_OUT_SOCKADDR] = OUT(show_sockaddr),
    [STRACE_POLLFDS] = IN(show_pollfds),
    [STRACE_FDSET] = IN(show_fdset),
    [STRACE_OUT_EPOLLS] = OUT(show_epolls),
    [STRACE_IN_SIGINFO] = IN(show_siginfo),
    [STRACE_OUT_SIGINFO] = OUT(show_siginfo),
    [STRACE_IN_EPOLL] = IN_AS("{events=@fe, data=@x}"),
    [STRACE_IN_TIMESPEC] = IN_AS(TIMESPEC),
    [STRACE_OUT_TIMESPEC] = OUT_AS(TIMESPEC),
    [STRACE_IN_TIMESPEC2] = IN_AS("[" TIMESPEC ", " TIMESPEC "]"),
    [STRACE_IN_TIMEVAL] = IN_AS(TIMEVAL),
    [STRACE_OUT_TIMEVAL] = OUT_AS(TIMEVAL),
    [STRACE_IN_TIMEVAL2] = IN_AS("[" TIMEVAL ", " TIMEVAL "]"),
    [STRACE_IN_ITIMERVAL] = IN_AS(INTERVAL(TIMEVAL)),
    [STRACE_OUT_ITIMERVAL] = OUT_AS(INTERVAL(TIMEVAL)),
    [STRACE_IN_ITIMERSPEC] = IN_AS(INTERVAL(TIMESPEC)),
    [STRACE_OUT_ITIMERSPEC] = OUT_AS(INTERVAL(TIMESPEC)),
    [STRACE_IN_RLIMIT] = IN_AS(LIMITS),
    [STRACE_OUT_RLIMIT] = OUT_AS(LIMITS),
    [STRACE_IN_SIGACTION] = IN_AS(SIGACTION),
    [STRACE_OUT_SIGACTION] = OUT_AS(SIGACTION),
    [STRACE_IN_SIGSET] = IN_AS("@g"),
    [STRACE_OUT_SIGSET] = OUT_AS("@g"),
    [STRACE_IN_STACK] = IN_AS(STACK),
    [STRACE_OUT_STACK] = OUT_AS(STACK),
    [STRACE_OUT_STAT] = OUT_AS("{st_mode=@o24@m, st_size=@o48@l, ...}"),
    [STRACE_OUT_STATX] = OUT_AS("{stx_mask=@X, stx_mode=@o28@M, stx_size=@o40@l, ...}"),
    [STRACE_OUT_UTSNAME] = OUT_AS("{sysname=@z65, nodename=@z65, release=@z65, ...}"),
    [STRACE_OUT_RUSAGE] = OUT_AS("{ru_utime=" TIMEVAL ", ru_stime=" TIMEVAL ", ...}"),
    [STRACE_IN_INT] = IN_AS("[@d]"),
    [STRACE_OUT_INT] = OUT_AS("[@d]"),
    [STRACE_OUT_INT2] = OUT_AS("[@d, @d]"),
    [STRACE_IN_LONG] = IN_AS("[@l]"),
};

/* The parameter from which on there is nothing to see: the others say so. */
static unsigned count(const struct strace_sysent *e, const unsigned long *args)
{
	for (unsigned i = 0; i < e->nargs; i++) {
		if (e->kind[i] == STRACE_CREATE_MODE && !(args[i - 1] & O_CREATES))
			return i;
		if (e->kind[i] == STRACE_FCNTL_ARG &&
		    (args[i - 1] == F_GETFD || args[i - 1] == F_GETFL || args[i - 1] == F_GETOWN))
			return i;
		if (e->kind[i] == STRACE_FUTEX_REST)
			switch (FUTEX_CMD(args[1])) {
			case FUTEX_WAIT:
			case FUTEX_LOCK_PI:
				return i + 1;
			case FUTEX_REQUEUE:
				return i + 2;
			case FUTEX_CMP_REQUEUE:
			case FUTEX_WAKE_OP:
			case FUTEX_WAIT_BITSET:
			case FUTEX_WAKE_BITSET:
				return i + 3;
			default:
				return i;
			}
	}
	return e->nargs;
}

/* Parameters of a futex between its value and its bits have no meaning there. */
static bool skipped(const struct strace_sysent *e, const unsigned long *args, unsigned i)
{
	unsigned op = FUTEX_CMD(args[1]);

	return e->kind[3] == STRACE_FUTEX_REST &&
	       ((i == 4 && op == FUTEX_WAIT_BITSET) || (i < 5 && i > 2 && op == FUTEX_WAKE_BITSET));
}

static bool failed(long result)
{
	return (unsigned long)result > -4096UL;
}

unsigned strace_args(struct strace_line *o, const struct strace_sysent *e,
    const unsigned long *args, unsigned i, bool exit, long result)
{
	unsigned n = count(e, args);
	bool comma = i && !exit;

	for (; i < n; i++) {
		const struct kind *k = &kinds[e->kind[i]];
		const struct strace_flagset *set = strace_flagset(e->kind[i]);
		struct strace_arg a = {args[i], args, i, k->k_out ? result : -1};

		if (skipped(e, args, i))
			continue;
		strace_put(o, comma ? ", " : "");
		if (k->k_out && !exit)
			break;
		comma = true;
		if (set)
			strace_flags(o, set, args[i]);
		else if (k->k_out && failed(result))
			strace_pointer(o, args[i]);
		else
			k->k_show(o, &a, k->k_format);
	}
	return i;
}

/* What poll and select have found. */
static void found(struct strace_line *o, const struct strace_sysent *e, const unsigned long *args)
{
	static const char names[][4] = {"", "in ", "out", "exc"};
	const char *sep = " (";

	for (unsigned i = 0; i < e->nargs; i++) {
		if (!args[i])
			continue;
		if (e->kind[i] == STRACE_POLLFDS) {
			strace_put(o, "%s", sep);
			strace_pollfds(o, args[i], args[i + 1], true);
			sep = ", ";
		} else if (i < NELEM(names) && e->kind[i] == STRACE_FDSET) {
			strace_put(o, i == 1 ? "%s%.2s " : "%s%.3s ", sep, names[i]);
			strace_fdset(o, args[i], (unsigned)args[0]);
			sep = ", ";
		}
	}
	strace_put(o, *sep == ',' ? ")" : "");
}

void strace_result(
    struct strace_line *o, const struct strace_sysent *e, const unsigned long *args, long result)
{
	struct strace_arg a = {(unsigned long)result, args, 0, result};
	const char *name, *text = "";

	if (failed(result)) {
		name = strace_errno((int)-result, &text);
		if (name)
			strace_put(
			    o, ") = %s %s (%s)", result == -ERESTART ? "?" : "-1", name, text);
		else
			strace_put(o, ") = -1 errno %ld", -result);
		return;
	}
	strace_put(o, ") = ");
	kinds[e->result].k_show(o, &a, NULL);
	if (e->result == STRACE_TIMEOUT) {
		if (result == 0)
			strace_put(o, " (Timeout)");
		else
			found(o, e, args);
	}
}
