/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads: creating, joining, locks, conditions, preemption, sleeping, signals between them. */
#include "check.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS	20000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter;
static volatile int flag;
static __thread int tls_value;

static void *add(void *arg)
{
	tls_value = (int)(long)arg;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return (void *)(long)tls_value;
}

static void test_mutex(void)
{
	pthread_t t[THREADS];
	long sum = 0, want = 0;
	void *ret;

	for (long i = 0; i < THREADS; i++) {
		if (pthread_create(&t[i], NULL, add, (void *)(i + 1)) != 0) {
			check(0, "pthread_create");
			return;
		}
		want += i + 1;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &ret);
		sum += (long)ret;
	}
	check(counter == THREADS * (long)ROUNDS, "a mutex counts right");
	check(sum == want, "each thread has its own TLS");
}

static int turn;
static void *ping(void *arg)
{
	int me = (int)(long)arg;

	pthread_mutex_lock(&mutex);
	for (int i = 0; i < 2000; i++) {
		while (turn != me)
			pthread_cond_wait(&cond, &mutex);
		turn = !me;
		pthread_cond_broadcast(&cond);
	}
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void test_cond(void)
{
	pthread_t a, b;

	pthread_create(&a, NULL, ping, (void *)0L);
	pthread_create(&b, NULL, ping, (void *)1L);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	check(turn == 0, "two threads take turns");
}

static void *spin(void *arg)
{
	while (!flag)
		;
	return NULL;
}

/* A spinning thread must not keep others from running, also on one CPU; nor lose its registers. */
static void test_preempt(void)
{
	pthread_t t;
	struct timespec ts = {0, 30000000};
	volatile double x = 1.5, y = 0;

	flag = 0;
	pthread_create(&t, NULL, spin, NULL);
	for (int i = 0; i < 5; i++) {
		nanosleep(&ts, NULL);
		y += x;
	}
	flag = 1;
	pthread_join(t, NULL);
	check(y == 7.5, "a spinning thread is preempted");
}

static void *float_sum(void *arg)
{
	double s = 0, step = (double)(long)arg;

	for (int i = 0; i < 3000000; i++)
		s += step;
	return (void *)(long)(s == 3000000 * step);
}

static void test_float(void)
{
	pthread_t t[4];
	int good = 1;
	void *ret;

	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, float_sum, (void *)(i + 1));
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &ret);
		good &= ret != NULL;
	}
	check(good, "vector registers survive preemption");
}

static void test_sleep(void)
{
	struct timespec a, b, ts = {0, 50000000};
	long ms;

	clock_gettime(CLOCK_MONOTONIC, &a);
	nanosleep(&ts, NULL);
	clock_gettime(CLOCK_MONOTONIC, &b);
	ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	if (ms < 50 || ms > 500)
		printf("slept %ld ms\n", ms);
	check(ms >= 50 && ms <= 500, "nanosleep sleeps about as long as asked");
}

static volatile sig_atomic_t got;
static void handler(int signo)
{
	got = signo;
}

static void *sleeper(void *arg)
{
	struct timespec ts = {20, 0};
	int r = nanosleep(&ts, NULL);
	return (void *)(long)(r == -1 && errno == EINTR);
}

static void test_signals(void)
{
	struct sigaction sa = {.sa_handler = handler};
	struct timespec ts = {0, 50000000};
	pthread_t t;
	void *ret;

	sigaction(SIGUSR1, &sa, NULL);
	got = 0;
	raise(SIGUSR1);
	check(got == SIGUSR1, "raise runs the handler before it returns");
	pthread_create(&t, NULL, sleeper, NULL);
	nanosleep(&ts, NULL);
	pthread_kill(t, SIGUSR1);
	pthread_join(t, &ret);
	check(ret != NULL, "a signal wakes a sleeping thread with EINTR");

	sigaction(SIGALRM, &sa, NULL);
	got = 0;
	ualarm(50000, 0);
	for (volatile long i = 0; !got && i < 4000000000L; i++)
		;
	check(got == SIGALRM, "a signal interrupts a loop in the program");
}

static void *nothing(void *arg)
{
	return arg;
}

static void test_detached(void)
{
	pthread_attr_t attr;
	pthread_t t;
	int i, failed = 0;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 16384);
	for (i = 0; i < 2000; i++)
		if (pthread_create(&t, &attr, nothing, NULL) != 0) {
			failed++;
			sched_yield();
		}
	check(failed < 100, "2000 detached threads come and go");
	for (i = 0; i < 2000 && pthread_create(&t, NULL, nothing, &i) == 0; i++)
		pthread_join(t, NULL);
	check(i == 2000, "2000 threads, one after the other");
}

/* Locks that the kernel hands over, by hand: libc lets nobody die with one. */
static unsigned pi_word;
static volatile int pi_delay;

static long lock_pi(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	return syscall(SYS_futex, &pi_word, FUTEX_LOCK_PI, 0, &until, NULL, 0) == 0 ? 0 : errno;
}

static void *dies_with_lock(void *arg)
{
	lock_pi();
	flag = 1;
	usleep(pi_delay);
	return NULL;
}

static void test_pi(void)
{
	pthread_t t;
	long error;

	flag = 0;
	pi_word = 0;
	pi_delay = 50000;
	pthread_create(&t, NULL, dies_with_lock, NULL);
	while (!flag)
		sched_yield();
	error = lock_pi();
	check(error == 0 && pi_word & FUTEX_OWNER_DIED, "a lock comes from a thread that dies");
	pthread_join(t, NULL);
	pi_word = 0;
	pi_delay = 0;
	pthread_create(&t, NULL, dies_with_lock, NULL);
	pthread_join(t, NULL);
	usleep(10000);
	error = lock_pi();
	check(error == ESRCH, "a dead thread's lock is refused");
}

int main(void)
{
	test_mutex();
	test_cond();
	test_preempt();
	test_float();
	test_sleep();
	test_signals();
	test_detached();
	test_pi();
	return failures != 0;
}
