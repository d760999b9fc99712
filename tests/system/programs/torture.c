/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many threads use the kernel at once for a few seconds (argv[1]): pipes,
 * eventfd with epoll, memory, signals, sleeping, and threads that come and go.  Each kind
 * checks its own results; prints ok and FAIL lines.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile int stopping;
static int failures;

#define EXPECT(e)                                                                                  \
	do {                                                                                       \
		if (!(e)) {                                                                        \
			printf("FAIL line %d: %s (errno %d)\n", __LINE__, #e, errno);              \
			fflush(stdout);                                                            \
			__atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);                        \
			stopping = 1;                                                              \
			return NULL;                                                               \
		}                                                                                  \
	} while (0)

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- pipes: every byte arrives, once, in order */
struct pipe_pair {
	int fd[2];
	long sent, received;
};

static void *pipe_reader(void *arg)
{
	struct pipe_pair *p = arg;
	unsigned char buf[5000];
	ssize_t n;

	while ((n = read(p->fd[0], buf, 1 + p->received % sizeof(buf))) != 0) {
		EXPECT(n > 0 || errno == EINTR);
		for (ssize_t i = 0; i < n; i++, p->received++)
			EXPECT(buf[i] == (unsigned char)(p->received * 7));
	}
	close(p->fd[0]);
	return NULL;
}

static void *pipe_writer(void *arg)
{
	struct pipe_pair *p = arg;
	unsigned char buf[7000];
	pthread_t reader;

	while (!stopping) {
		EXPECT(pipe(p->fd) == 0);
		p->sent = p->received = 0;
		EXPECT(pthread_create(&reader, NULL, pipe_reader, p) == 0);
		for (int round = 0; round < 50 && !stopping; round++) {
			size_t len = (size_t)(1 + (p->sent * 31) % sizeof(buf));
			ssize_t n;

			for (size_t i = 0; i < len; i++)
				buf[i] = (unsigned char)((p->sent + (long)i) * 7);
			n = write(p->fd[1], buf, len);
			EXPECT(n > 0 || errno == EINTR);
			p->sent += n > 0 ? n : 0;
		}
		close(p->fd[1]);
		pthread_join(reader, NULL);
		EXPECT(p->sent == p->received);
	}
	return NULL;
}

/* ---- eventfd: an epoll loop adds up what others put in */
static int event_fd, event_epoll;
static uint64_t event_put, event_got;

static void *event_producer(void *arg)
{
	uint64_t one = 1;

	while (!stopping) {
		EXPECT(write(event_fd, &one, 8) == 8);
		__atomic_add_fetch(&event_put, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void *event_consumer(void *arg)
{
	struct epoll_event ev;
	uint64_t v;
	int n, idle = 0;

	while (idle < 3) {
		n = epoll_wait(event_epoll, &ev, 1, stopping ? 20 : 1000);
		EXPECT(n >= 0 || errno == EINTR);
		EXPECT(n != 0 || stopping); /* a second without an event: it was lost */
		idle = n == 0 ? idle + 1 : 0;
		if (n == 1 && read(event_fd, &v, 8) == 8)
			event_got += v;
	}
	return NULL;
}

/* ---- memory: what is mapped is zero, keeps what is written, and goes again */
static void *memory(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	while (!stopping) {
		size_t len = 4096 * (1 + rand_r(&seed) % 64);
		unsigned char *p =
		    mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		EXPECT(p != MAP_FAILED);
		for (size_t i = 0; i < len; i += 4096) {
			EXPECT(p[i] == 0);
			p[i] = (unsigned char)(i >> 12);
		}
		if (len > 8192)
			EXPECT(munmap(p + 4096, 4096) == 0);
		EXPECT(mprotect(p, 4096, PROT_READ) == 0);
		for (size_t i = len > 8192 ? 8192 : 0; i < len; i += 4096)
			EXPECT(p[i] == (unsigned char)(i >> 12));
		EXPECT(munmap(p, len) == 0);
		void *q = malloc(len);
		EXPECT(q != NULL);
		memset(q, 1, len);
		free(q);
	}
	return NULL;
}

/* ---- signals: every one sent to a thread is handled before the next */
static volatile sig_atomic_t handled;

static void on_signal(int signo)
{
	handled++;
}

static void *signal_target(void *arg)
{
	double x = 1;

	while (!stopping)
		x = x * 1.25 * 0.8; /* exactly 1 again, if a handler leaves the registers alone */
	EXPECT(x == 1);
	return NULL;
}

static void *signal_sender(void *arg)
{
	pthread_t target;
	long sent = 0, deadline;

	EXPECT(pthread_create(&target, NULL, signal_target, NULL) == 0);
	while (!stopping) {
		EXPECT(pthread_kill(target, SIGUSR1) == 0);
		sent++;
		for (deadline = now_ms() + 5000; handled != sent;) {
			EXPECT(now_ms() < deadline);
			sched_yield();
		}
	}
	pthread_join(target, NULL);
	return NULL;
}

/* ---- sleeping: never shorter than asked, and not absurdly longer */
static void *sleeper(void *arg)
{
	struct timespec ts = {0, 3000000};
	long t0;

	while (!stopping) {
		t0 = now_ms();
		EXPECT(nanosleep(&ts, NULL) == 0);
		t0 = now_ms() - t0;
		EXPECT(t0 >= 2 && t0 < 3000);
	}
	return NULL;
}

/* ---- threads that come and go */
static void *leaf(void *arg)
{
	return (char *)arg + 1;
}

static void *spawner(void *arg)
{
	pthread_t t[4];
	void *result;

	while (!stopping) {
		for (long i = 0; i < 4; i++)
			EXPECT(pthread_create(&t[i], NULL, leaf, (void *)i) == 0);
		for (long i = 0; i < 4; i++)
			EXPECT(pthread_join(t[i], &result) == 0 && result == (void *)(i + 1));
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static struct pipe_pair pairs[2];
	struct epoll_event ev = {.events = EPOLLIN};
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	long end = now_ms() + 1000 * (argc > 1 ? atoi(argv[1]) : 3);
	pthread_t t[16];
	int n = 0;

	event_fd = eventfd(0, EFD_NONBLOCK);
	event_epoll = epoll_create1(0);
	if (event_fd < 0 || event_epoll < 0 ||
	    epoll_ctl(event_epoll, EPOLL_CTL_ADD, event_fd, &ev) != 0 ||
	    sigaction(SIGUSR1, &sa, NULL) != 0) {
		perror("FAIL setting up");
		return 1;
	}
	pthread_create(&t[n++], NULL, pipe_writer, &pairs[0]);
	pthread_create(&t[n++], NULL, pipe_writer, &pairs[1]);
	pthread_create(&t[n++], NULL, event_producer, NULL);
	pthread_create(&t[n++], NULL, event_producer, NULL);
	pthread_create(&t[n++], NULL, event_consumer, NULL);
	pthread_create(&t[n++], NULL, memory, (void *)1);
	pthread_create(&t[n++], NULL, memory, (void *)2);
	pthread_create(&t[n++], NULL, signal_sender, NULL);
	pthread_create(&t[n++], NULL, sleeper, NULL);
	pthread_create(&t[n++], NULL, spawner, NULL);
	while (now_ms() < end && !stopping)
		usleep(20000);
	stopping = 1;
	while (n > 0)
		pthread_join(t[--n], NULL);
	if (event_put != event_got) {
		printf("FAIL events: %llu put in, %llu got\n", (unsigned long long)event_put,
		    (unsigned long long)event_got);
		failures++;
	}
	if (failures == 0)
		printf("ok many threads use the kernel at once\n");
	return failures != 0;
}
