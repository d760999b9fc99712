/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the machine.  The launcher learns it in two ways: from a line on
 * hosted.statusfd, and from how the process dies.
 *
 *   exit N     "kiln: exit N"     exit status N
 *   signal N   "kiln: signal N"   dies of signal N
 *   panic      "kiln: panic"      dies of SIGABRT
 *
 * With hosted.core the launcher takes a core then: after a crash we wait for it to kill us.
 */
#include <linux/signal.h>
#include <linux/uio.h>

#include "hosted.h"
#include "syscall.h"

#define EXIT_SIGNALLED 128

static size_t append(char *line, size_t at, const char *s)
{
	size_t n = hosted_strlen(s);

	memcpy(line + at, s, n);
	return at + n;
}

static size_t append_number(char *line, size_t at, unsigned long v)
{
	char digits[24];
	size_t n = sizeof(digits);

	digits[--n] = '\0';
	do {
		digits[--n] = (char)('0' + v % 10);
	} while ((v /= 10) != 0);
	return append(line, at, digits + n);
}

static void write_line(int fd, char *line, size_t len)
{
	struct iovec iov = {line, len};

	if (fd >= 0)
		host_syscall3(__NR_writev, fd, (long)&iov, 1);
}

static void report(enum rumpuser_end how, int status)
{
	char line[64];
	size_t n = append(line, 0, "kiln: ");

	n = append(line, n,
	    how == RUMPUSER_END_EXIT	 ? "exit "
	    : how == RUMPUSER_END_SIGNAL ? "signal "
					 : "panic");
	if (how != RUMPUSER_END_PANIC)
		n = append_number(line, n, (unsigned long)status);
	n = append(line, n, "\n");
	write_line(hosted_config.statusfd, line, n);
}

static void die_of(int signo)
{
	struct {
		void *handler;
		uint64_t flags, restorer, mask;
	} dfl = {NULL, 0, 0, 0};

	host_syscall4(__NR_rt_sigaction, signo, (long)&dfl, 0, 8);
	hosted_raise(hosted_this_cpu(), signo);
	/* Still here: it is blocked (we are in its handler) or does not kill. */
	host_syscall3(__NR_exit_group, EXIT_SIGNALLED + signo, 0, 0);
}

void rumpuser_exit(enum rumpuser_end how, int status)
{
	static volatile uint64_t never;
	static bool ending;

	/* One CPU does it. */
	while (__atomic_exchange_n(&ending, true, __ATOMIC_SEQ_CST))
		hosted_wait(&never);
	if (how == RUMPUSER_END_SIGNAL && (status < 1 || status > 64))
		how = RUMPUSER_END_PANIC;
	report(how, how == RUMPUSER_END_EXIT ? status & 0xff : status);
	while (how != RUMPUSER_END_EXIT && hosted_config.core)
		hosted_wait(&never);
	if (how == RUMPUSER_END_SIGNAL)
		die_of(status);
	else if (how == RUMPUSER_END_PANIC)
		die_of(SIGABRT);
	for (;;)
		host_syscall3(__NR_exit_group, status & 0xff, 0, 0);
}

void hosted_die(const char *what, long error)
{
	char line[256];
	size_t n = append(line, 0, "kiln: ");

	n = append(line, n, what);
	if (error < 0) {
		n = append(line, n, " (errno ");
		n = append_number(line, n, (unsigned long)-error);
		n = append(line, n, ")");
	}
	n = append(line, n, "\n");
	write_line(2, line, n);
	report(RUMPUSER_END_PANIC, 0);
	for (;;)
		host_syscall3(__NR_exit_group, HOSTED_EXIT_SETUP, 0, 0);
}
