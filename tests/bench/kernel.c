/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What threads, wake-ups and memory cost, and what a second CPU brings.
 *
 * On one CPU: nanoseconds for each operation.  On two: how many times faster two threads do
 * what one does, parallel programs first.  Each is done in rounds, and the median printed, as
 * `name value`.  The same program runs in an image, in a Linux guest and natively.
 */
#define _GNU_SOURCE
#include <err.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS	 7
#define MEGABYTE (1UL << 20)
#define PAGE	 4096UL

static double now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void start(pthread_t *t, void *(*func)(void *), void *arg)
{
	if (pthread_create(t, NULL, func, arg) != 0)
		errx(1, "pthread_create");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), compare);
	return v[ROUNDS / 2];
}

/* ------------------------------------------------------------ what is measured; n times each */

static void clock_calls(unsigned n)
{
	struct timespec ts;

	while (n-- > 0)
		clock_gettime(CLOCK_MONOTONIC, &ts);
}

static void *nothing(void *arg)
{
	return arg;
}

static void threads(unsigned n)
{
	pthread_t t;

	while (n-- > 0) {
		start(&t, nothing, NULL);
		pthread_join(t, NULL);
	}
}

/* Two threads hand a turn to and fro, and sleep in futex() while it is the other's. */
struct futex_game {
	uint32_t turn __attribute__((aligned(64)));
	unsigned n;
};

static void futex_play(struct futex_game *g, uint32_t mine)
{
	uint32_t now;

	for (unsigned i = 0; i < g->n; i++) {
		while ((now = __atomic_load_n(&g->turn, __ATOMIC_ACQUIRE)) != mine)
			syscall(SYS_futex, &g->turn, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
		__atomic_store_n(&g->turn, !mine, __ATOMIC_RELEASE);
		syscall(SYS_futex, &g->turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
}

static void *futex_other(void *arg)
{
	futex_play(arg, 1);
	return NULL;
}

static void futexes(unsigned n)
{
	struct futex_game g = {.n = n};
	pthread_t t;

	start(&t, futex_other, &g);
	futex_play(&g, 0);
	pthread_join(t, NULL);
}

struct pipe_game {
	int to[2], from[2];
	unsigned n;
};

static void *pipe_other(void *arg)
{
	struct pipe_game *g = arg;
	char c;

	for (unsigned i = 0; i < g->n; i++)
		if (read(g->to[0], &c, 1) != 1 || write(g->from[1], &c, 1) != 1)
			err(1, "pipe");
	return NULL;
}

static void pipes(unsigned n)
{
	struct pipe_game g = {.n = n};
	pthread_t t;
	char c = 'x';

	if (pipe(g.to) != 0 || pipe(g.from) != 0)
		err(1, "pipe");
	start(&t, pipe_other, &g);
	for (unsigned i = 0; i < n; i++)
		if (write(g.to[1], &c, 1) != 1 || read(g.from[0], &c, 1) != 1)
			err(1, "pipe");
	pthread_join(t, NULL);
	for (int i = 0; i < 2; i++) {
		close(g.to[i]);
		close(g.from[i]);
	}
}

/* There and back: each side writes to the other's eventfd, which that one watches by epoll. */
struct epoll_side {
	int ep, event;
};

struct epoll_game {
	struct epoll_side side[2];
	unsigned n;
};

static void epoll_open(struct epoll_side *s)
{
	struct epoll_event ev = {.events = EPOLLIN};

	s->ep = epoll_create1(0);
	s->event = eventfd(0, 0);
	if (s->ep < 0 || s->event < 0 || epoll_ctl(s->ep, EPOLL_CTL_ADD, s->event, &ev) != 0)
		err(1, "epoll");
}

static void epoll_take(const struct epoll_side *s)
{
	struct epoll_event ev;
	uint64_t value;

	if (epoll_wait(s->ep, &ev, 1, -1) != 1 || read(s->event, &value, sizeof(value)) < 0)
		err(1, "epoll_wait");
}

static void epoll_give(const struct epoll_side *s)
{
	uint64_t one = 1;

	if (write(s->event, &one, sizeof(one)) < 0)
		err(1, "write");
}

static void *epoll_other(void *arg)
{
	struct epoll_game *g = arg;

	for (unsigned i = 0; i < g->n; i++) {
		epoll_take(&g->side[1]);
		epoll_give(&g->side[0]);
	}
	return NULL;
}

static void epolls(unsigned n)
{
	struct epoll_game g = {.n = n};
	pthread_t t;

	epoll_open(&g.side[0]);
	epoll_open(&g.side[1]);
	start(&t, epoll_other, &g);
	for (unsigned i = 0; i < n; i++) {
		epoll_give(&g.side[1]);
		epoll_take(&g.side[0]);
	}
	pthread_join(t, NULL);
	for (int i = 0; i < 2; i++) {
		close(g.side[i].event);
		close(g.side[i].ep);
	}
}

static void memory(unsigned n)
{
	while (n-- > 0) {
		char *p = mmap(
		    NULL, MEGABYTE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			err(1, "mmap");
		for (size_t i = 0; i < MEGABYTE; i += PAGE)
			p[i] = 1;
		munmap(p, MEGABYTE);
	}
}

/* n megabytes at once: faults, and nothing else to speak of. */
static void faulting(unsigned n)
{
	char *p =
	    mmap(NULL, n * MEGABYTE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	for (size_t i = 0; i < n * MEGABYTE; i += PAGE)
		p[i] = 1;
	munmap(p, n * MEGABYTE);
}

static volatile uint64_t sink;

static uint64_t work(uint64_t x, unsigned turns)
{
	while (turns-- > 0) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

static void computing(unsigned n)
{
	sink = work(n, n);
}

/* Computes for itself mostly, and adds its results to a sum that all share. */
static pthread_mutex_t sum_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t sum;

static void sharing(unsigned n)
{
	while (n-- > 0) {
		uint64_t x = work(n, 2000);
		pthread_mutex_lock(&sum_lock);
		sum += work(x, 50);
		pthread_mutex_unlock(&sum_lock);
	}
}

/* ------------------------------------------------------------------------------- measuring */

struct bench {
	const char *name;
	void (*func)(unsigned n);
	unsigned n; /* enough for some hundredths of a second */
};

static const struct bench one_cpu[] = {
    {"clock_gettime", clock_calls, 200000},
    {"thread", threads, 500},
    {"futex", futexes, 4000},
    {"pipe", pipes, 4000},
    {"epoll", epolls, 3000},
    {"memory", memory, 30},
};

static const struct bench two_cpus[] = {
    {"computing", computing, 40000000},
    {"sharing", sharing, 12000},
    {"faulting", faulting, 96},
    {"memory", memory, 200},
    {"futex", futexes, 12000},
    {"pipe", pipes, 8000},
    {"epoll", epolls, 6000},
    {"thread", threads, 1500},
};

static void measure_costs(void)
{
	for (size_t i = 0; i < sizeof(one_cpu) / sizeof(one_cpu[0]); i++) {
		const struct bench *b = &one_cpu[i];
		double v[ROUNDS];

		b->func(b->n / 4 + 1); /* what comes once, and the emulator's translations */
		for (int r = 0; r < ROUNDS; r++) {
			double begin = now_ns();
			b->func(b->n);
			v[r] = (now_ns() - begin) / b->n;
		}
		printf("%s %.1f\n", b->name, median(v));
		fflush(stdout);
	}
}

static pthread_barrier_t barrier;

static void *half(void *arg)
{
	const struct bench *b = arg;

	pthread_barrier_wait(&barrier);
	b->func(b->n / 2);
	return NULL;
}

static double one_thread(const struct bench *b)
{
	double begin = now_ns();
	b->func(b->n);
	return now_ns() - begin;
}

static double two_threads(const struct bench *b)
{
	pthread_t t;
	double begin;

	pthread_barrier_init(&barrier, NULL, 2);
	start(&t, half, (void *)(uintptr_t)b);
	pthread_barrier_wait(&barrier);
	begin = now_ns();
	b->func(b->n / 2);
	pthread_join(t, NULL);
	begin = now_ns() - begin;
	pthread_barrier_destroy(&barrier);
	return begin;
}

/* In turns, one and two threads: a noisy host disturbs both. */
static void measure_speedups(void)
{
	for (size_t i = 0; i < sizeof(two_cpus) / sizeof(two_cpus[0]); i++) {
		const struct bench *b = &two_cpus[i];
		double one[ROUNDS], two[ROUNDS];

		two_threads(b);
		for (int r = 0; r < ROUNDS; r++) {
			one[r] = one_thread(b);
			two[r] = two_threads(b);
		}
		double a = median(one), c = median(two);
		printf("%s %.3f (%.1f ns for each, %.1f)\n", b->name, a / c, a / b->n, c / b->n);
		fflush(stdout);
	}
}

int main(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
		measure_costs();
	else
		measure_speedups();
	return 0;
}
