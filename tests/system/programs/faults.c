/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is refused: each workload runs with its first allocation in the kernel failing, then
 * its second ... until it makes no more; then with all failing from the first, the second ...  Each
 * time, the first call that fails must say that there is no memory, and afterwards the kernel must
 * have allocated what it had before.  faults [WORKLOAD [N]] runs one, with its N-th allocation
 * failing, only.
 *
 * Without kiln_faultinject() (on the host, natively) every workload runs once, and nothing may
 * fail.
 */
#define _GNU_SOURCE
#include "faults.h"
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
#include "memstat.h"

#define MOST	   2000
#define PAGE_SLACK 96

#ifdef KILN
long sys_kiln_faultinject(long n, long times);
#else
static long sys_kiln_faultinject(long n, long times)
{
	(void)times;
	return n < 0;
}
#endif

static const struct {
	const char *name;
	void (*run)(void);
	bool unmaps; /* with no memory at all, a part of a mapping cannot be unmapped, and stays */
} workloads[] = {{"files", work_files, false}, {"tree", work_tree, false},
    {"mappings", work_mappings, true}, {"pipes", work_pipes, false}, {"unix", work_unix, false},
    {"rights", work_rights, false}, {"udp", work_udp, false}, {"tcp", work_tcp, false},
    {"threads", work_threads, true}, {"signals", work_signals, false},
    {"timers", work_timers, false}, {"waiting", work_waiting, false},
    {"mqueue", work_mqueue, false}, {"sysv", work_sysv, true}, {"proc", work_proc, false}};

static struct {
	const char *what;
	int line, error;
} first; /* what failed first; what NULL: nothing */
static struct kiln_memstat before;

void note(bool good, const char *what, int line)
{
	int error = errno;

	if (good || __atomic_load_n(&first.line, __ATOMIC_RELAXED) != 0)
		return;
	first.error = error;
	first.what = what;
	first.line = line;
}

bool comes(int fd, short events)
{
	struct pollfd p = {fd, events, 0};

	return fd >= 0 && poll(&p, 1, 100) == 1;
}

void close_if(int fd)
{
	if (fd >= 0)
		close(fd);
}

static bool says_no_memory(int error)
{
	return error == ENOMEM || error == ENOBUFS || error == EAGAIN || error == ENOSPC;
}

/* false: something is wrong, or (n > 0) nothing failed. */
static bool once(unsigned w, long n, long times, bool *wrong)
{
	bool injected, quiet, same;

	memset(&first, 0, sizeof(first));
	if (n > 0)
		sys_kiln_faultinject(n, times);
	workloads[w].run();
	injected = sys_kiln_faultinject(0, 0);
	quiet = first.what == NULL;
	same = (workloads[w].unmaps && times > 1) || memstat_compare(&before, PAGE_SLACK, 1);
	*wrong = !same || (!quiet && (!injected || !says_no_memory(first.error)));
	if (!*wrong)
		return injected;
	printf("FAIL %s, allocation %ld%s: %s", workloads[w].name, n,
	    times > 1 ? " and all after" : "", same ? "" : "memory is lost; ");
	if (quiet)
		printf("no call fails\n");
	else
		printf("line %d, %s: %s\n", first.line, first.what, strerror(first.error));
	fflush(stdout);
	/* Which one that was. */
	sys_kiln_faultinject(n, 1);
	workloads[w].run();
	sys_kiln_faultinject(-1, 0);
	sys_kiln_memstat(&before); /* lest it be said again */
	return injected;
}

static int all(unsigned w)
{
	int bad = 0;
	long n = 0, counts[2] = {0};
	bool wrong, hit;

	workloads[w].run();
	sys_kiln_memstat(&before);
	once(w, 0, 0, &wrong);
	if (wrong)
		return 1;
	for (int persistent = 0; persistent < 2; persistent++) {
		for (n = 1; n < MOST && bad < 10; n++) {
			hit = once(w, n, persistent ? 1L << 40 : 1, &wrong);
			bad += wrong;
			if (!hit)
				break;
		}
		counts[persistent] = n - 1;
	}
	if (n == MOST)
		printf("FAIL %s never ends\n", workloads[w].name);
	else if (bad == 0)
		printf("ok %s: %ld allocations fail, one by one, and all from the first %ld\n",
		    workloads[w].name, counts[0], counts[1]);
	fflush(stdout);
	return bad;
}

int main(int argc, char **argv)
{
	int bad = 0;
	bool wrong;

	for (unsigned w = 0; w < sizeof(workloads) / sizeof(workloads[0]); w++) {
		if (argc > 1 && strcmp(argv[1], workloads[w].name) != 0)
			continue;
		if (argc > 2) {
			workloads[w].run();
			sys_kiln_memstat(&before);
			once(w, atol(argv[2]), 1, &wrong);
			printf("%s: line %d %s: %s\n", argv[1], first.line,
			    first.what ? first.what : "nothing failed", strerror(first.error));
			continue;
		}
		bad += all(w);
	}
	return bad != 0;
}
