/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern/strace's own.  strace.c decides what is traced, show.c makes lines of calls and prints them,
 * decode.c shows a parameter, structs.c what it points to, flags.c and errnos.c have names.
 * strace_calls.inc, from syscalls.master and the file `kinds', says what each call's parameters
 * are.
 *
 * Showing never changes what the call finds, but for pages that it makes present: memory of the
 * program is only read, by copyin(), and what cannot be read is shown as an address.
 */
#ifndef STRACE_IMPL_H
#define STRACE_IMPL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <kern/strace.h>

#define STRACE_STRING_MAX 32  /* bytes shown of a buffer */
#define STRACE_PATH_MAX	  256 /* of a path */
#define STRACE_ITEMS_MAX  8   /* of an array */

/* How a parameter is shown. */
enum strace_kind_id {
	STRACE_PTR,
	STRACE_TIMEOUT,
	STRACE_OCTAL,
	STRACE_NORETURN,
	STRACE_EXEC, /* returns only if it fails */
	STRACE_OPEN_FLAGS,
	STRACE_MMAP_FLAGS,
	STRACE_PROT,
	STRACE_MREMAP_FLAGS,
	STRACE_MSYNC_FLAGS,
	STRACE_MADVICE,
	STRACE_DECIMAL,
	STRACE_AF,
	STRACE_SOCK_TYPE,
	STRACE_MSG_FLAGS,
	STRACE_SOL,
	STRACE_SOCKOPT,
	STRACE_SHUT,
	STRACE_SIG_HOW,
	STRACE_FUTEX_OP,
	STRACE_FUTEX_REST,
	STRACE_EPOLL_OP,
	STRACE_CLOEXEC_FLAGS,
	STRACE_EVENTFD_FLAGS,
	STRACE_OPEN_BITS,
	STRACE_CLONE_FLAGS,
	STRACE_TIMER_FLAGS,
	STRACE_AT_FLAGS,
	STRACE_ACCESS_MODE,
	STRACE_HEX,
	STRACE_WHENCE,
	STRACE_FCNTL_CMD,
	STRACE_FCNTL_ARG,
	STRACE_IOCTL,
	STRACE_FLOCK,
	STRACE_PRCTL,
	STRACE_ARCH_PRCTL,
	STRACE_RLIMIT,
	STRACE_SCHED,
	STRACE_WAIT_OPTIONS,
	STRACE_ITIMER,
	STRACE_RUSAGE_WHO,
	STRACE_CLOCK,
	STRACE_GRND,
	STRACE_MFD,
	STRACE_SIGNO,
	STRACE_CREATE_MODE,
	STRACE_DIRFD,
	STRACE_IN_BUF,
	STRACE_STRING,
	STRACE_OUT_BUF,
	STRACE_OUT_STRING,
	STRACE_IN_SOCKVAL,
	STRACE_OUT_SOCKVAL,
	STRACE_OUT_IOVEC,
	STRACE_IN_IOVEC,
	STRACE_IN_MSGHDR,
	STRACE_OUT_MSGHDR,
	STRACE_IN_SOCKADDR,
	STRACE_OUT_SOCKADDR,
	STRACE_POLLFDS,
	STRACE_FDSET,
	STRACE_IN_TIMESPEC,
	STRACE_IN_TIMESPEC2,
	STRACE_OUT_TIMESPEC,
	STRACE_IN_TIMEVAL,
	STRACE_IN_TIMEVAL2,
	STRACE_OUT_TIMEVAL,
	STRACE_IN_ITIMERVAL,
	STRACE_OUT_ITIMERVAL,
	STRACE_IN_ITIMERSPEC,
	STRACE_OUT_ITIMERSPEC,
	STRACE_IN_RLIMIT,
	STRACE_OUT_RLIMIT,
	STRACE_IN_SIGACTION,
	STRACE_OUT_SIGACTION,
	STRACE_IN_SIGSET,
	STRACE_OUT_SIGSET,
	STRACE_IN_STACK,
	STRACE_OUT_STACK,
	STRACE_OUT_STAT,
	STRACE_OUT_STATX,
	STRACE_OUT_UTSNAME,
	STRACE_OUT_RUSAGE,
	STRACE_IN_EPOLL,
	STRACE_OUT_EPOLLS,
	STRACE_IN_INT,
	STRACE_OUT_INT,
	STRACE_OUT_INT2,
	STRACE_IN_LONG,
	STRACE_OUT_SIGINFO,
	STRACE_IN_SIGINFO,
	STRACE_UNSIGNED,
	STRACE_LONG,
	STRACE_NKINDS,
};

struct strace_sysent {
	uint16_t number;
	uint8_t nargs;
	uint8_t result;	 /* a kind */
	uint8_t kind[6]; /* STRACE_x */
	char name[24];
};
extern const struct strace_sysent strace_sysents[]; /* rising by number */
extern const unsigned strace_nsysents;

/* Text that is being made; what does not fit is cut off. */
struct strace_line {
	char *text;
	unsigned size, len;
};
void strace_put(struct strace_line *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A parameter, beside its fellows. */
struct strace_arg {
	unsigned long value;
	const unsigned long *all;
	unsigned i;
	long result; /* when it is shown after the call: 0 or more; else -1 */
};

struct strace_name {
	unsigned long value;
	const char *name;
};
/* Bits with names; the bits in mask are a number, which has names of its own. */
struct strace_flagset {
	const struct strace_name *names;
	unsigned n;
	unsigned long mask;
};

/* flags.c: sets that more than one file uses, and by a letter those in formats of structures. */
extern const struct strace_flagset strace_open_flags, strace_cloexec_flags, strace_sockopts,
    strace_tcpopts;
const struct strace_flagset *strace_flagset(enum strace_kind_id kind);
const struct strace_flagset *strace_flagset_letter(char c);
void strace_flags(struct strace_line *o, const struct strace_flagset *set, unsigned long value);

/* errnos.c: NULL if it has none. */
const char *strace_errno(int error, const char **text);
const char *strace_signame(int signo);
void strace_signo(struct strace_line *o, int signo);

/* structs.c */
/*
 * A structure of the program's: text, and in it @ and a letter for what is read next; see the
 * source.  An address that cannot be read is shown as such.
 */
void strace_struct(struct strace_line *o, uintptr_t at, const char *format);
/* len bytes at `at`, quoted, no more than STRACE_STRING_MAX. */
void strace_bytes(struct strace_line *o, uintptr_t at, size_t len);
/* A string. */
void strace_path(struct strace_line *o, uintptr_t at);
void strace_pointer(struct strace_line *o, unsigned long value);
void strace_sigset(struct strace_line *o, uint64_t set);
void strace_sockaddr(struct strace_line *o, uintptr_t at, size_t len);
/* `left` bytes of what the vector points at are data. */
void strace_iovec(struct strace_line *o, uintptr_t at, unsigned long n, size_t left);
void strace_msghdr(struct strace_line *o, uintptr_t at, size_t left);
void strace_pollfds(struct strace_line *o, uintptr_t at, unsigned long n, bool after);
void strace_epolls(struct strace_line *o, uintptr_t at, unsigned long n);
void strace_fdset(struct strace_line *o, uintptr_t at, unsigned n);
void strace_siginfo(struct strace_line *o, const siginfo_t *info);

/* decode.c */
/* The parameters from the i-th up to one that only comes back (exit false), or to the last. */
unsigned strace_args(struct strace_line *o, const struct strace_sysent *e,
    const unsigned long *args, unsigned i, bool exit, long result);
/* " = 3", " = -1 ENOENT (No such file or directory)". */
void strace_result(
    struct strace_line *o, const struct strace_sysent *e, const unsigned long *args, long result);

/* show.c */
typedef long strace_call_t(
    unsigned long, unsigned long, unsigned long, unsigned long, unsigned long, unsigned long);
/* Make the call and show it. */
long strace_shown(strace_call_t *call, const struct strace_sysent *e, const unsigned long *args);

#endif
