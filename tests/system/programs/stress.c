/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads, signals, timers, futexes, pipes and mappings at once, with memory that runs out every
 * moment: stress [SECONDS [MEGABYTES]].  MEGABYTES is how much is taken at most to make it run out.
 *
 * Each kind checks its own results and takes "no memory" for an answer; a call that fails
 * otherwise, a byte that is not what was written, a wake-up that does not come is a failure.  After
 * a short first run the kernel's allocations are counted, and again after the long one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "memstat.h"

#define PAGE  4096UL
#define STACK (64 * 1024)
#define PIECE (256 * 1024UL)

static atomic_bool stopping;
static atomic_int failures;
static atomic_ulong rounds[9], refused;
static size_t hog_most = 1UL << 40;

static void failed(int line, const char *what)
{
	printf("FAIL line %d: %s (errno %d)\n", line, what, errno);
	fflush(stdout);
	failures++;
	stopping = true;
}
#define EXPECT(e)                                                                                  \
	do {                                                                                       \
		if (!(e)) {                                                                        \
			failed(__LINE__, #e);                                                      \
			return NULL;                                                               \
		}                                                                                  \
	} while (0)

static unsigned long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long)ts.tv_sec * 1000 + (unsigned long)ts.tv_nsec / 1000000;
}

/* There was no memory for it: for the caller to try again a little later. */
static bool no_memory(int error)
{
	if (error != ENOMEM && error != EAGAIN && error != ENOBUFS)
		return false;
	refused++;
	usleep(500);
	return true;
}

/* False: no memory.  Any other failure is one of the test. */
static bool start(pthread_t *t, void *(*func)(void *), void *arg)
{
	pthread_attr_t attr;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	error = pthread_create(t, &attr, func, arg);
	pthread_attr_destroy(&attr);
	if (error && !no_memory(error)) {
		errno = error;
		failed(__LINE__, "pthread_create");
	}
	return error == 0;
}

/* ---- memory: what is mapped is zero, keeps what is written, obeys its protection */
static void *mapper(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	int null[2];

	while (pipe(null) != 0)
		EXPECT(no_memory(errno));
	for (; !stopping; rounds[0]++) {
		size_t n = 5 + rand_r(&seed) % 60;
		unsigned char *p = mmap(
		    NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED) {
			EXPECT(no_memory(errno));
			continue;
		}
		for (size_t i = 0; i < n; i++) {
			EXPECT(p[i * PAGE] == 0);
			p[i * PAGE] = (unsigned char)(i + 1);
		}
		/* Each change of a part may need one more entry of the map. */
		if (mprotect(p + PAGE, PAGE, PROT_NONE) == 0) {
			EXPECT(write(null[1], p + PAGE, 1) == -1 && errno == EFAULT);
			while (mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE) != 0)
				EXPECT(no_memory(errno));
			EXPECT(p[PAGE] == 2);
		} else {
			EXPECT(no_memory(errno));
		}
		if (madvise(p + 2 * PAGE, PAGE, MADV_DONTNEED) == 0)
			EXPECT(p[2 * PAGE] == 0);
		else
			EXPECT(no_memory(errno));
		if (munmap(p + 3 * PAGE, PAGE) != 0)
			EXPECT(no_memory(errno));
		EXPECT(p[0] == 1 && p[(n - 1) * PAGE] == (unsigned char)n);
		while (munmap(p, n * PAGE) != 0)
			EXPECT(no_memory(errno));
		if (rounds[0] % 16 == 0)
			usleep(500);
	}
	close(null[0]);
	close(null[1]);
	return NULL;
}

/* ---- takes what there is, in pieces, and gives it back */
static void *hog(void *arg)
{
	struct piece {
		struct piece *next;
	} * list, *p;
	size_t taken;

	for (; !stopping; rounds[1]++) {
		list = NULL;
		for (taken = 0; taken < hog_most && !stopping; taken += PIECE) {
			p = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
			if (p == MAP_FAILED) {
				EXPECT(errno == ENOMEM);
				break;
			}
			for (size_t i = 0; i < PIECE; i += PAGE)
				((char *)p)[i] = 1;
			p->next = list;
			list = p;
		}
		usleep(10000);
		while ((p = list) != NULL) {
			list = p->next;
			EXPECT(munmap(p, PIECE) == 0);
		}
		usleep(10000);
	}
	return arg;
}

/* ---- pipes: every byte arrives, once, in order */
struct conduit {
	int fd[2];
	unsigned long received;
};

static void *pipe_reader(void *arg)
{
	struct conduit *c = arg;
	unsigned char buf[3000];
	ssize_t n;

	while ((n = read(c->fd[0], buf, 1 + c->received % sizeof(buf))) != 0) {
		EXPECT(n > 0 || errno == EINTR);
		for (ssize_t i = 0; i < n; i++, c->received++)
			EXPECT(buf[i] == (unsigned char)(c->received * 7));
	}
	return NULL;
}

static void *pipe_writer(void *arg)
{
	struct conduit c;
	unsigned char buf[7000];
	unsigned long sent;
	pthread_t reader;

	for (; !stopping; rounds[2]++) {
		c.received = sent = 0;
		if (pipe(c.fd) != 0) {
			EXPECT(no_memory(errno));
			continue;
		}
		if (start(&reader, pipe_reader, &c)) {
			for (int i = 0; i < 20 && !stopping; i++) {
				size_t len = 1 + (sent * 31) % sizeof(buf);
				ssize_t n;

				for (size_t j = 0; j < len; j++)
					buf[j] = (unsigned char)((sent + j) * 7);
				n = write(c.fd[1], buf, len);
				EXPECT(n > 0 || errno == EINTR || no_memory(errno));
				sent += n > 0 ? (size_t)n : 0;
			}
			close(c.fd[1]);
			pthread_join(reader, NULL);
			EXPECT(sent == c.received);
		} else {
			close(c.fd[1]);
		}
		close(c.fd[0]);
	}
	return arg;
}

/* ---- futexes: two take turns, a third is sent from one to the other */
static void futex(atomic_int *at, int op, int value, void *arg, atomic_int *other)
{
	syscall(SYS_futex, at, op, value, arg, other, 0);
}

static atomic_int turn, doors[2], sitter_rounds;

static void *other_side(void *arg)
{
	while (turn >= 0) {
		int seen = turn;

		if (seen > 0 && seen % 2 == 1 &&
		    atomic_compare_exchange_strong(&turn, &seen, seen + 1))
			futex(&turn, FUTEX_WAKE, 1, NULL, NULL);
		else if (seen >= 0)
			futex(&turn, FUTEX_WAIT, seen, NULL, NULL);
	}
	return arg;
}

static void *sitter(void *arg)
{
	struct timespec ts = {0, 2000000};

	for (; doors[0] >= 0; sitter_rounds++)
		futex(&doors[0], FUTEX_WAIT, 0, &ts, NULL);
	return arg;
}

static void *turns(void *arg)
{
	pthread_t t, s;
	int at;

	for (; !stopping; rounds[3]++) {
		turn = doors[0] = doors[1] = 0;
		if (!start(&t, other_side, NULL))
			continue;
		bool sits = start(&s, sitter, NULL);
		for (int i = 0; i < 200 && !stopping; i++) {
			at = turn;
			turn = at + 1;
			futex(&turn, FUTEX_WAKE, 1, NULL, NULL);
			while (turn == at + 1)
				futex(&turn, FUTEX_WAIT, at + 1, NULL, NULL);
			EXPECT(turn == at + 2);
			/* From one door to the other; what waits there is woken or times out. */
			futex(&doors[0], FUTEX_REQUEUE, 0, (void *)1L, &doors[1]);
			futex(&doors[1], FUTEX_WAKE, INT_MAX, NULL, NULL);
		}
		turn = doors[0] = -1;
		futex(&turn, FUTEX_WAKE, INT_MAX, NULL, NULL);
		pthread_join(t, NULL);
		if (sits)
			pthread_join(s, NULL);
	}
	return arg;
}

/* ---- signals: none that was queued is lost, nor its value */
static atomic_long value_sum;

static void on_value(int signo, siginfo_t *si, void *uc)
{
	(void)signo;
	(void)uc;
	value_sum += si->si_value.sival_int;
}

static void *signals(void *arg)
{
	long sent = 0, start_sum = value_sum, self = syscall(SYS_gettid);
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	for (int n = 0; !stopping; n++, rounds[4]++) {
		siginfo_t si = {.si_signo = SIGRTMIN + 1, .si_code = SI_QUEUE};

		si.si_pid = getpid();
		si.si_value.sival_int = n % 1000 + 1;

		if (n % 8 == 0)
			pthread_sigmask(SIG_BLOCK, &set, &old);
		if (syscall(SYS_rt_tgsigqueueinfo, getpid(), self, SIGRTMIN + 1, &si) == 0)
			sent += si.si_value.sival_int;
		else
			EXPECT(no_memory(errno));
		if (n % 8 == 7) {
			pthread_sigmask(SIG_SETMASK, &old, NULL);
			EXPECT(value_sum - start_sum == sent);
			if (n % 64 == 63)
				usleep(1000);
		}
	}
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	EXPECT(value_sum - start_sum == sent);
	return arg;
}

/* ---- timers: each expires, by signal and by descriptor, never early */
static atomic_ulong ticks;

static void on_tick(int signo)
{
	(void)signo;
	ticks++;
}

static void *timers(void *arg)
{
	struct sigevent sev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	struct itimerspec often = {{0, 1000000}, {0, 1000000}}, once = {{0, 0}, {0, 2000000}};
	struct timespec nap = {0, 5000000};
	unsigned long before, t0, n;
	uint64_t v;
	timer_t t;
	int fd;

	for (; !stopping; rounds[5]++) {
		if (timer_create(CLOCK_MONOTONIC, &sev, &t) != 0) {
			EXPECT(no_memory(errno));
			continue;
		}
		before = ticks;
		EXPECT(timer_settime(t, 0, &often, NULL) == 0);
		for (n = 0; ticks == before; n++) {
			EXPECT(n < 2000);
			nanosleep(&nap, NULL);
		}
		EXPECT(timer_delete(t) == 0);
		fd = timerfd_create(CLOCK_MONOTONIC, 0);
		if (fd < 0) {
			EXPECT(no_memory(errno));
			continue;
		}
		t0 = now_ms();
		EXPECT(timerfd_settime(fd, 0, &once, NULL) == 0);
		while (read(fd, &v, sizeof(v)) != sizeof(v))
			EXPECT(errno == EINTR);
		EXPECT(v == 1 && now_ms() - t0 >= 1);
		close(fd);
	}
	return arg;
}

/* ---- threads that come and go, joined and detached */
static atomic_int born, gone;

static void *leaf(void *arg)
{
	gone++;
	return arg;
}

static void *spawner(void *arg)
{
	pthread_t t;
	void *result;

	for (; !stopping; rounds[6]++) {
		born++;
		if (!start(&t, leaf, &t)) {
			born--;
			continue;
		}
		if (rounds[6] % 3 == 0)
			pthread_detach(t);
		else
			EXPECT(pthread_join(t, &result) == 0 && result == &t);
	}
	return arg;
}

static void run(unsigned long seconds)
{
	static void *(*const kinds[])(void *) = {
	    mapper, mapper, hog, pipe_writer, pipe_writer, turns, signals, timers, spawner};
	pthread_t t[sizeof(kinds) / sizeof(kinds[0])];
	unsigned long end = now_ms() + seconds * 1000, i, n = 0;

	stopping = false;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !failures; i++)
		while (!failures)
			if (start(&t[n], kinds[i], (void *)(i + 1))) {
				n++;
				break;
			}
	while (now_ms() < end && !stopping)
		usleep(20000);
	stopping = true;
	while (n > 0)
		pthread_join(t[--n], NULL);
	for (end = now_ms() + 5000; born != gone && now_ms() < end;)
		usleep(1000);
	if (born != gone)
		failed(__LINE__, "a detached thread did not run");
}

int main(int argc, char **argv)
{
	static struct kiln_memstat before;
	struct sigaction value = {.sa_sigaction = on_value, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction tick = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
	unsigned long seconds = argc > 1 ? strtoul(argv[1], NULL, 10) : 3;

	if (argc > 2)
		hog_most = strtoul(argv[2], NULL, 10) << 20;
	sigaction(SIGRTMIN, &tick, NULL);
	sigaction(SIGRTMIN + 1, &value, NULL);
	run(1);
	if (failures == 0 && sys_kiln_memstat(&before) != 0)
		failed(__LINE__, "kiln_memstat");
	if (failures == 0)
		run(seconds);
	for (unsigned i = 0; i < 7; i++)
		printf("%lu%s", rounds[i], i < 6 ? " " : " rounds");
	printf(", %lu times no memory\n", refused);
	if (failures == 0)
		printf("ok all goes well at once\n");
	if (failures == 0 && !memstat_compare(&before, 256, 1))
		failed(__LINE__, "the kernel has more allocated than before");
	else if (failures == 0)
		printf("ok the kernel has allocated what it had before\n");
	return failures != 0;
}
