/* SPDX-License-Identifier: BSD-2-Clause */
/* Flags and other numbers that have names. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <kern/systm.h>
#include "strace_impl.h"

#define N(name)                                                                                    \
	{                                                                                          \
		(unsigned long)(name), #name                                                       \
	}
#define SET(list, mask)                                                                            \
	{                                                                                          \
		list, NELEM(list), mask                                                            \
	}
#define NUMBER 0xffffffffUL /* no bits at all: a set of this mask */

/* Those that libc's headers do not have. */
#define MAP_SYNC_	 0x80000
#define FUTEX_PRIVATE	 0x80
#define FUTEX_CLOCK_REAL 0x100
#define ARCH_SET_GS_	 0x1001
#define ARCH_SET_FS_	 0x1002
#define ARCH_GET_FS_	 0x1003
#define ARCH_GET_GS_	 0x1004

static const struct strace_name open_names[] = {N(O_RDONLY), N(O_WRONLY), N(O_RDWR), N(O_CREAT),
    N(O_EXCL), N(O_NOCTTY), N(O_TRUNC), N(O_APPEND), N(O_NONBLOCK), N(O_SYNC), N(O_DSYNC),
    N(O_ASYNC), N(O_DIRECT), {0100000, "O_LARGEFILE"}, N(O_TMPFILE), N(O_DIRECTORY), N(O_NOFOLLOW),
    N(O_NOATIME), N(O_CLOEXEC), N(O_PATH)};
const struct strace_flagset strace_open_flags = SET(open_names, 3);

static const struct strace_name open_bits[] = {
    N(O_CLOEXEC), N(O_NONBLOCK), N(O_DIRECT), N(O_APPEND)};
static const struct strace_name cloexec_names[] = {N(FD_CLOEXEC)};
const struct strace_flagset strace_cloexec_flags = SET(cloexec_names, 0);
static const struct strace_name epoll_create_names[] = {N(EPOLL_CLOEXEC)};
static const struct strace_name eventfd_names[] = {
    {1, "EFD_SEMAPHORE"}, {O_NONBLOCK, "O_NONBLOCK"}, {O_CLOEXEC, "O_CLOEXEC"}};
static const struct strace_name prot_names[] = {
    N(PROT_NONE), N(PROT_READ), N(PROT_WRITE), N(PROT_EXEC), N(PROT_GROWSDOWN), N(PROT_GROWSUP)};
static const struct strace_name mmap_names[] = {N(MAP_SHARED), N(MAP_PRIVATE),
    {3, "MAP_SHARED_VALIDATE"}, N(MAP_FIXED), N(MAP_ANONYMOUS), N(MAP_GROWSDOWN), N(MAP_DENYWRITE),
    N(MAP_LOCKED), N(MAP_NORESERVE), N(MAP_POPULATE), N(MAP_NONBLOCK), N(MAP_STACK), N(MAP_HUGETLB),
    {MAP_SYNC_, "MAP_SYNC"}, N(MAP_FIXED_NOREPLACE)};
static const struct strace_name mremap_names[] = {N(MREMAP_MAYMOVE), N(MREMAP_FIXED)};
static const struct strace_name msync_names[] = {N(MS_ASYNC), N(MS_INVALIDATE), N(MS_SYNC)};
static const struct strace_name madvise_names[] = {N(MADV_NORMAL), N(MADV_RANDOM),
    N(MADV_SEQUENTIAL), N(MADV_WILLNEED), N(MADV_DONTNEED), N(MADV_FREE), N(MADV_DONTFORK),
    N(MADV_HUGEPAGE), N(MADV_NOHUGEPAGE), N(MADV_DONTDUMP), N(MADV_DODUMP)};
static const struct strace_name af_names[] = {
    N(AF_UNSPEC), N(AF_UNIX), N(AF_INET), N(AF_INET6), N(AF_NETLINK), N(AF_PACKET)};
static const struct strace_name sock_names[] = {N(SOCK_STREAM), N(SOCK_DGRAM), N(SOCK_RAW),
    N(SOCK_SEQPACKET), N(SOCK_CLOEXEC), N(SOCK_NONBLOCK)};
static const struct strace_name msg_names[] = {N(MSG_OOB), N(MSG_PEEK), N(MSG_DONTROUTE),
    N(MSG_CTRUNC), N(MSG_TRUNC), N(MSG_DONTWAIT), N(MSG_EOR), N(MSG_WAITALL), N(MSG_NOSIGNAL),
    N(MSG_MORE), N(MSG_WAITFORONE), N(MSG_CMSG_CLOEXEC)};
static const struct strace_name sol_names[] = {N(SOL_SOCKET), {IPPROTO_IP, "SOL_IP"},
    {IPPROTO_TCP, "SOL_TCP"}, {IPPROTO_UDP, "SOL_UDP"}, {IPPROTO_IPV6, "SOL_IPV6"}};
static const struct strace_name sockopt_names[] = {N(SO_DEBUG), N(SO_REUSEADDR), N(SO_TYPE),
    N(SO_ERROR), N(SO_DONTROUTE), N(SO_BROADCAST), N(SO_SNDBUF), N(SO_RCVBUF), N(SO_KEEPALIVE),
    N(SO_OOBINLINE), N(SO_PRIORITY), N(SO_LINGER), N(SO_REUSEPORT), N(SO_PASSCRED), N(SO_PEERCRED),
    N(SO_RCVLOWAT), N(SO_SNDLOWAT), N(SO_RCVTIMEO), N(SO_SNDTIMEO), N(SO_BINDTODEVICE),
    N(SO_TIMESTAMP), N(SO_ACCEPTCONN), N(SO_PROTOCOL), N(SO_DOMAIN)};
const struct strace_flagset strace_sockopts = SET(sockopt_names, NUMBER);
static const struct strace_name tcpopt_names[] = {N(TCP_NODELAY), N(TCP_MAXSEG), N(TCP_CORK),
    N(TCP_KEEPIDLE), N(TCP_KEEPINTVL), N(TCP_KEEPCNT), N(TCP_SYNCNT), N(TCP_LINGER2),
    N(TCP_DEFER_ACCEPT), N(TCP_WINDOW_CLAMP), N(TCP_INFO), N(TCP_QUICKACK), N(TCP_CONGESTION),
    N(TCP_USER_TIMEOUT), N(TCP_FASTOPEN)};
const struct strace_flagset strace_tcpopts = SET(tcpopt_names, NUMBER);
static const struct strace_name shut_names[] = {N(SHUT_RD), N(SHUT_WR), N(SHUT_RDWR)};
static const struct strace_name sighow_names[] = {N(SIG_BLOCK), N(SIG_UNBLOCK), N(SIG_SETMASK)};
/* Numbers, with FUTEX_PRIVATE and FUTEX_CLOCK_REAL as bits. */
#define FUTEX(n, name)                                                                             \
	{n, "FUTEX_" name},                                                                        \
	{                                                                                          \
		(n) | FUTEX_PRIVATE, "FUTEX_" name "_PRIVATE"                                      \
	}
static const struct strace_name futex_names[] = {FUTEX(0, "WAIT"), FUTEX(1, "WAKE"),
    FUTEX(3, "REQUEUE"), FUTEX(4, "CMP_REQUEUE"), FUTEX(5, "WAKE_OP"), FUTEX(6, "LOCK_PI"),
    FUTEX(7, "UNLOCK_PI"), FUTEX(8, "TRYLOCK_PI"), FUTEX(9, "WAIT_BITSET"),
    FUTEX(10, "WAKE_BITSET"), FUTEX(11, "WAIT_REQUEUE_PI"), FUTEX(12, "CMP_REQUEUE_PI"),
    FUTEX(13, "LOCK_PI2"), {FUTEX_CLOCK_REAL, "FUTEX_CLOCK_REALTIME"}};
static const struct strace_name epollop_names[] = {
    N(EPOLL_CTL_ADD), N(EPOLL_CTL_DEL), N(EPOLL_CTL_MOD)};
static const struct strace_name epoll_names[] = {N(EPOLLIN), N(EPOLLPRI), N(EPOLLOUT), N(EPOLLERR),
    N(EPOLLHUP), N(EPOLLRDNORM), N(EPOLLRDBAND), N(EPOLLWRNORM), N(EPOLLWRBAND), N(EPOLLRDHUP),
    N(EPOLLEXCLUSIVE), N(EPOLLWAKEUP), N(EPOLLONESHOT), N(EPOLLET)};
static const struct strace_name poll_names[] = {N(POLLIN), N(POLLPRI), N(POLLOUT), N(POLLERR),
    N(POLLHUP), N(POLLNVAL), N(POLLRDNORM), N(POLLRDBAND), N(POLLWRNORM), N(POLLWRBAND),
    N(POLLRDHUP)};
static const struct strace_name clone_names[] = {N(CLONE_VM), N(CLONE_FS), N(CLONE_FILES),
    N(CLONE_SIGHAND), N(CLONE_VFORK), N(CLONE_PARENT), N(CLONE_THREAD), N(CLONE_SYSVSEM),
    N(CLONE_SETTLS), N(CLONE_PARENT_SETTID), N(CLONE_CHILD_CLEARTID), N(CLONE_DETACHED),
    N(CLONE_CHILD_SETTID)};
static const struct strace_name timer_names[] = {N(TIMER_ABSTIME), N(TFD_TIMER_CANCEL_ON_SET)};
static const struct strace_name at_names[] = {N(AT_SYMLINK_NOFOLLOW), {0x200, "AT_REMOVEDIR"},
    N(AT_SYMLINK_FOLLOW), N(AT_NO_AUTOMOUNT), N(AT_EMPTY_PATH)};
static const struct strace_name access_names[] = {N(F_OK), N(X_OK), N(W_OK), N(R_OK)};
static const struct strace_name whence_names[] = {
    N(SEEK_SET), N(SEEK_CUR), N(SEEK_END), {3, "SEEK_DATA"}, {4, "SEEK_HOLE"}};
static const struct strace_name fcntl_names[] = {N(F_DUPFD), N(F_GETFD), N(F_SETFD), N(F_GETFL),
    N(F_SETFL), N(F_GETLK), N(F_SETLK), N(F_SETLKW), N(F_SETOWN), N(F_GETOWN), N(F_DUPFD_CLOEXEC),
    N(F_SETPIPE_SZ), N(F_GETPIPE_SZ), N(F_ADD_SEALS), N(F_GET_SEALS)};
static const struct strace_name ioctl_names[] = {N(TCGETS), N(TCSETS), N(TCSETSW), N(TCSETSF),
    N(TIOCGWINSZ), N(TIOCSWINSZ), N(TIOCGPGRP), N(TIOCSPGRP), N(FIONREAD), N(FIONBIO), N(FIOASYNC),
    N(FIOCLEX), N(FIONCLEX), N(SIOCGIFCONF), N(SIOCGIFFLAGS), N(SIOCGIFADDR), N(SIOCGIFNETMASK),
    N(SIOCGIFHWADDR), N(SIOCGIFINDEX), N(SIOCGIFMTU), N(SIOCGIFNAME)};
static const struct strace_name flock_names[] = {N(LOCK_SH), N(LOCK_EX), N(LOCK_NB), N(LOCK_UN)};
static const struct strace_name prctl_names[] = {N(PR_SET_PDEATHSIG), N(PR_GET_DUMPABLE),
    N(PR_SET_DUMPABLE), N(PR_SET_KEEPCAPS), N(PR_SET_NAME), N(PR_GET_NAME), N(PR_SET_SECCOMP),
    N(PR_CAPBSET_READ), N(PR_SET_TIMERSLACK), N(PR_SET_NO_NEW_PRIVS), N(PR_GET_NO_NEW_PRIVS),
    N(PR_SET_CHILD_SUBREAPER)};
static const struct strace_name arch_names[] = {{ARCH_SET_GS_, "ARCH_SET_GS"},
    {ARCH_SET_FS_, "ARCH_SET_FS"}, {ARCH_GET_FS_, "ARCH_GET_FS"}, {ARCH_GET_GS_, "ARCH_GET_GS"}};
static const struct strace_name rlimit_names[] = {N(RLIMIT_CPU), N(RLIMIT_FSIZE), N(RLIMIT_DATA),
    N(RLIMIT_STACK), N(RLIMIT_CORE), N(RLIMIT_RSS), N(RLIMIT_NPROC), N(RLIMIT_NOFILE),
    N(RLIMIT_MEMLOCK), N(RLIMIT_AS), N(RLIMIT_LOCKS), N(RLIMIT_SIGPENDING), N(RLIMIT_MSGQUEUE),
    N(RLIMIT_NICE), N(RLIMIT_RTPRIO), N(RLIMIT_RTTIME)};
static const struct strace_name sched_names[] = {
    N(SCHED_OTHER), N(SCHED_FIFO), N(SCHED_RR), N(SCHED_BATCH), N(SCHED_IDLE), N(SCHED_DEADLINE)};
static const struct strace_name wait_names[] = {
    N(WNOHANG), N(WUNTRACED), N(WEXITED), N(WCONTINUED), N(WNOWAIT)};
static const struct strace_name itimer_names[] = {
    N(ITIMER_REAL), N(ITIMER_VIRTUAL), N(ITIMER_PROF)};
static const struct strace_name rusage_names[] = {
    N(RUSAGE_SELF), N(RUSAGE_CHILDREN), N(RUSAGE_THREAD)};
static const struct strace_name clock_names[] = {N(CLOCK_REALTIME), N(CLOCK_MONOTONIC),
    N(CLOCK_PROCESS_CPUTIME_ID), N(CLOCK_THREAD_CPUTIME_ID), N(CLOCK_MONOTONIC_RAW),
    N(CLOCK_REALTIME_COARSE), N(CLOCK_MONOTONIC_COARSE), N(CLOCK_BOOTTIME), N(CLOCK_REALTIME_ALARM),
    N(CLOCK_BOOTTIME_ALARM), N(CLOCK_TAI)};
static const struct strace_name grnd_names[] = {N(GRND_NONBLOCK), N(GRND_RANDOM)};
static const struct strace_name mfd_names[] = {N(MFD_CLOEXEC), N(MFD_ALLOW_SEALING)};
static const struct strace_name sa_names[] = {N(SA_NOCLDSTOP), N(SA_NOCLDWAIT), N(SA_SIGINFO),
    {0x04000000, "SA_RESTORER"}, N(SA_ONSTACK), N(SA_RESTART), N(SA_NODEFER), N(SA_RESETHAND)};
static const struct strace_name ss_names[] = {N(SS_ONSTACK), N(SS_DISABLE)};
static const struct strace_name mode_names[] = {N(S_IFIFO), N(S_IFCHR), N(S_IFDIR), N(S_IFBLK),
    N(S_IFREG), N(S_IFLNK), N(S_IFSOCK), N(S_ISUID), N(S_ISGID), N(S_ISVTX)};

static const struct strace_flagset sets[STRACE_NKINDS] = {
    [STRACE_OPEN_FLAGS] = SET(open_names, 3),
    [STRACE_OPEN_BITS] = SET(open_bits, 0),
    [STRACE_CLOEXEC_FLAGS] = SET(epoll_create_names, 0),
    [STRACE_EVENTFD_FLAGS] = SET(eventfd_names, 0),
    [STRACE_PROT] = SET(prot_names, 0),
    [STRACE_MMAP_FLAGS] = SET(mmap_names, 3),
    [STRACE_MREMAP_FLAGS] = SET(mremap_names, 0),
    [STRACE_MSYNC_FLAGS] = SET(msync_names, 0),
    [STRACE_MADVICE] = SET(madvise_names, NUMBER),
    [STRACE_AF] = SET(af_names, NUMBER),
    [STRACE_SOCK_TYPE] = SET(sock_names, 0xf),
    [STRACE_MSG_FLAGS] = SET(msg_names, 0),
    [STRACE_SOL] = SET(sol_names, NUMBER),
    [STRACE_SHUT] = SET(shut_names, NUMBER),
    [STRACE_SIG_HOW] = SET(sighow_names, NUMBER),
    [STRACE_FUTEX_OP] = SET(futex_names, 0xff),
    [STRACE_EPOLL_OP] = SET(epollop_names, NUMBER),
    [STRACE_CLONE_FLAGS] = SET(clone_names, 0xff),
    [STRACE_TIMER_FLAGS] = SET(timer_names, 0),
    [STRACE_AT_FLAGS] = SET(at_names, 0),
    [STRACE_ACCESS_MODE] = SET(access_names, 0),
    [STRACE_WHENCE] = SET(whence_names, NUMBER),
    [STRACE_FCNTL_CMD] = SET(fcntl_names, NUMBER),
    [STRACE_IOCTL] = SET(ioctl_names, NUMBER),
    [STRACE_FLOCK] = SET(flock_names, 0),
    [STRACE_PRCTL] = SET(prctl_names, NUMBER),
    [STRACE_ARCH_PRCTL] = SET(arch_names, NUMBER),
    [STRACE_RLIMIT] = SET(rlimit_names, NUMBER),
    [STRACE_SCHED] = SET(sched_names, NUMBER),
    [STRACE_WAIT_OPTIONS] = SET(wait_names, 0),
    [STRACE_ITIMER] = SET(itimer_names, NUMBER),
    [STRACE_RUSAGE_WHO] = SET(rusage_names, NUMBER),
    [STRACE_CLOCK] = SET(clock_names, NUMBER),
    [STRACE_GRND] = SET(grnd_names, 0),
    [STRACE_MFD] = SET(mfd_names, 0),
};

const struct strace_flagset *strace_flagset(enum strace_kind_id kind)
{
	return kind < STRACE_NKINDS && sets[kind].names ? &sets[kind] : NULL;
}

/* In formats of structures. */
const struct strace_flagset *strace_flagset_letter(char c)
{
	static const struct strace_flagset sa = SET(sa_names, 0), ss = SET(ss_names, 0),
					   epoll = SET(epoll_names, 0), poll = SET(poll_names, 0),
					   mode = SET(mode_names, S_IFMT), msg = SET(msg_names, 0);

	switch (c) {
	case 'a':
		return &sa;
	case 's':
		return &ss;
	case 'e':
		return &epoll;
	case 'p':
		return &poll;
	case 'm':
		return &mode;
	default:
		return &msg;
	}
}

static const char *name_of(const struct strace_flagset *set, unsigned long value)
{
	for (unsigned i = 0; i < set->n; i++)
		if ((set->names[i].value & NUMBER) == value)
			return set->names[i].name;
	return NULL;
}

void strace_flags(struct strace_line *o, const struct strace_flagset *set, unsigned long value)
{
	unsigned long number = (value &= NUMBER) & set->mask;
	const char *name = set->mask || !value ? name_of(set, number) : NULL, *sep = "";

	/* The number comes first, if it has a name or is not 0. */
	if (name)
		strace_put(o, "%s", name);
	else if (number)
		strace_put(o, set->mask == NUMBER ? "%ld" : "%#lx", (long)(int)number);
	if (name || number)
		sep = "|";
	value &= ~set->mask;
	for (unsigned i = 0; i < set->n; i++) {
		unsigned long v = set->names[i].value & NUMBER;

		if (v & set->mask || !v || (value & v) != v)
			continue;
		strace_put(o, "%s%s", sep, set->names[i].name);
		sep = "|";
		value &= ~v;
	}
	if (value)
		strace_put(o, "%s%#lx", sep, value);
	else if (!*sep)
		strace_put(o, "0");
}
