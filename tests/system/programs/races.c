/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that meet on two CPUs.  Each test has one thread do a thing while another undoes
 * it, for SECONDS, shifting the one against the other a little each time.  The kernel's own
 * assertions do most of the looking; on one CPU only preemption brings them together.
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SECONDS	 2
#define SIZE	 65536
#define WAITERS	 6
#define PATIENCE 5000000000UL

static atomic_int fd = -1;
static atomic_bool stop;

static unsigned long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long)ts.tv_sec * 1000000000UL + (unsigned long)ts.tv_nsec;
}

static void spin(unsigned n)
{
	for (volatile unsigned i = 0; i < n; i++)
		;
}

/* Run other() in a thread beside round(n) here, for SECONDS or until a round fails. */
static int beside(void *(*other)(void *), int (*round)(unsigned))
{
	unsigned long end = now() + SECONDS * 1000000000UL;
	pthread_t t;
	int good = 1;

	stop = false;
	if (pthread_create(&t, NULL, other, NULL) != 0)
		return 0;
	for (unsigned n = 0; good && now() < end; n++)
		good = round(n);
	stop = true;
	pthread_join(t, NULL);
	return good;
}

/* ------------------------------------------------------------------ poll and close */

static void *poller(void *arg)
{
	struct timespec ts = {0, 20000};
	struct pollfd p[40];

	while (!stop) {
		for (int i = 0; i < 40; i++)
			p[i] = (struct pollfd){fd, POLLIN, 0};
		ppoll(p, 40, &ts, NULL);
	}
	return arg;
}

static int open_close(unsigned n)
{
	fd = eventfd(0, 0);
	spin(n % 3000);
	return close(fd) == 0;
}

/* ------------------------------------------------- a timer expires, is set and closed */

static void *set_close(void *arg)
{
	struct itimerspec late = {.it_value = {100, 0}};

	for (unsigned n = 0; !stop; n++) {
		if (fd < 0)
			continue;
		spin(n * 37 % 6000);
		timerfd_settime(fd, 0, &late, NULL);
		close(fd);
		fd = -1;
	}
	return arg;
}

static int arm(unsigned n)
{
	struct itimerspec soon = {.it_value = {0, 5000}};
	int new = timerfd_create(CLOCK_MONOTONIC, 0);

	(void)n;
	if (new < 0)
		return 0;
	timerfd_settime(new, 0, &soon, NULL);
	for (fd = new; fd >= 0 && !stop;)
		;
	return 1;
}

/* ------------------------------------------------------------------ mremap and mmap */

static atomic_int shared; /* mappings that were someone else's too */

static void *map_unmap(void *arg)
{
	while (!stop) {
		volatile unsigned char *p =
		    mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			continue;
		p[0] = p[SIZE - 1] = 0x55;
		spin(300);
		if (p[0] != 0x55 || p[SIZE - 1] != 0x55 || p[SIZE / 2] != 0)
			shared++;
		munmap((void *)p, SIZE);
	}
	return arg;
}

static void *target;

static int move(unsigned n)
{
	void *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 0;
	memset(p, (int)n | 1, SIZE);
	return mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target;
}

/* --------------------------------------------------------------- sigwait and signals */

static atomic_uint accepted;

static void *accepter(void *arg)
{
	struct timespec ts = {2, 0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	while (!stop)
		if (sigtimedwait(&set, NULL, &ts) == SIGUSR1)
			accepted++;
	return arg;
}

static int send_signal(unsigned n)
{
	unsigned before = accepted;
	unsigned long end = now() + 1000000000UL;

	spin(n % 997);
	kill(getpid(), SIGUSR1);
	/* Half of the other's time-out: it must not be that what wakes it. */
	while (accepted == before && now() < end)
		;
	return accepted != before;
}

/* ------------------------------------------------------- threads woken, moved, ranked */

static atomic_int word[WAITERS], tid[WAITERS];
static atomic_ulong wakes;

static void *wake_next(void *arg)
{
	int self = (int)(long)arg, next = (self + 1) % WAITERS;
	struct timespec ts = {0, 200000};

	tid[self] = (int)syscall(SYS_gettid);
	while (!stop) {
		word[next]++;
		syscall(SYS_futex, &word[next], FUTEX_WAKE, 1, NULL, NULL, 0);
		syscall(SYS_futex, &word[self], FUTEX_WAIT, word[self], &ts, NULL, 0);
		wakes++;
	}
	return arg;
}

static void test_ranks(const char *what, int affinity)
{
	unsigned long end = now() + SECONDS * 1000000000UL, before;
	pthread_t t[WAITERS];

	stop = false;
	for (long i = 0; i < WAITERS; i++)
		if (pthread_create(&t[i], NULL, wake_next, (void *)i) != 0)
			check(0, "pthread_create");
	for (int i = 0; i < WAITERS; i++)
		while (tid[i] == 0)
			sched_yield();
	for (unsigned n = 0; now() < end; n++) {
		int rt = n / 2 % 2, priority = rt ? 1 + (int)(n % 90) : 0;
		unsigned long mask = 1 + n / 3 % 3;

		/* The last two are left alone, lest all of them leave no CPU for this thread. */
		syscall(SYS_sched_setscheduler, tid[n % (WAITERS - 2)], rt ? SCHED_RR : SCHED_OTHER,
		    &priority);
		if (affinity)
			syscall(SYS_sched_setaffinity, tid[n % WAITERS], 8, &mask);
	}
	before = wakes;
	end = now() + PATIENCE;
	while (wakes < before + WAITERS && now() < end)
		sched_yield();
	stop = true;
	for (int i = 0; i < WAITERS; i++)
		pthread_join(t[i], NULL);
	check(wakes >= before + WAITERS, what);
}

static unsigned long process_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (unsigned long)ts.tv_sec * 1000000000UL + (unsigned long)ts.tv_nsec;
}

static unsigned long last_time;

static int time_passes(unsigned n)
{
	unsigned long t = process_time();
	int good = t >= last_time;

	(void)n;
	last_time = t;
	return good;
}

static void *sleep_often(void *arg)
{
	struct timespec ts = {0, 20000};

	while (!stop) {
		spin(2000);
		nanosleep(&ts, NULL);
	}
	return arg;
}

int main(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	check(beside(poller, open_close), "poll meets close");
	fd = -1;
	check(beside(set_close, arm), "a timer's expiry meets its setting and closing");
	target = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(beside(map_unmap, move) && shared == 0, "mremap meets mmap");
	check(beside(accepter, send_signal), "sigtimedwait meets kill");
	check(beside(sleep_often, time_passes), "the program's CPU time never goes back");
	test_ranks("priorities meet wake-ups", 0);
	test_ranks("affinities meet wake-ups", 1);
	return failures != 0;
}
