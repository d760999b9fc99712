/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the libc port has to get right with a kernel below: cancellation in calls that
 * sleep, restart of calls that a signal broke, thread-local data, calls by
 * number.  Prints "ok WHAT" or "FAIL WHAT".
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int pipefd[2];
static sem_t sem, ready;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int cleaned;

static void cleanup(void *p)
{
	__atomic_add_fetch(&cleaned, 1, __ATOMIC_SEQ_CST);
}

static void in_read(void)
{
	char c;

	if (read(pipefd[0], &c, 1) != 1)
		cleaned = -1000;
}

static void in_sleep(void)
{
	sleep(1000);
}

static void in_nanosleep(void)
{
	struct timespec ts = {1000, 0};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

static void in_sem(void)
{
	sem_wait(&sem);
}

static void in_poll(void)
{
	struct pollfd p = {pipefd[0], POLLIN, 0};

	poll(&p, 1, -1);
}

static void unlock(void *p)
{
	pthread_mutex_unlock(&mutex);
}

static void in_cond(void)
{
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, NULL);
	pthread_cond_wait(&cond, &mutex);
	pthread_cleanup_pop(1);
}

static void in_pause(void)
{
	pause();
}

static void *victim(void *p)
{
	void (*f)(void) = (void (*)(void))p;

	pthread_cleanup_push(cleanup, NULL);
	sem_post(&ready);
	for (;;)
		f();
	pthread_cleanup_pop(0);
	return NULL;
}

/* Cancelled at every moment between start and deep sleep. */
static void test_cancel(void (*f)(void), const char *what)
{
	int good = 1;
	pthread_t t;
	void *r;

	cleaned = 0;
	for (int i = 0; i < 60 && good; i++) {
		good = pthread_create(&t, NULL, victim, (void *)f) == 0;
		sem_wait(&ready);
		if (i % 4 == 3)
			usleep(2000);
		else
			for (volatile int d = 0; d < i * 300; d++)
				continue;
		good = good && pthread_cancel(t) == 0 && pthread_join(t, &r) == 0 &&
		       r == PTHREAD_CANCELED;
	}
	check(good && cleaned == 60, what);
}

static void *disabled(void *p)
{
	char c = 0;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	sem_post(&ready);
	return read(pipefd[0], &c, 1) == 1 && c == 'x' ? p : NULL;
}

static void test_disabled(void)
{
	pthread_t t;
	void *r;

	pthread_create(&t, NULL, disabled, &sem);
	sem_wait(&ready);
	usleep(2000);
	pthread_cancel(t);
	usleep(2000);
	write(pipefd[1], "x", 1);
	pthread_join(t, &r);
	check(r == &sem, "a thread with cancellation off reads on");
}

static volatile int caught;

static void on_signal(int signo)
{
	caught++;
}

static void *reader(void *p)
{
	char c;

	sem_post(&ready);
	errno = 0;
	return read(pipefd[0], &c, 1) == 1 ? p : errno == EINTR ? (void *)&caught : NULL;
}

static void test_restart(int flags, void *expect, const char *what)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};
	pthread_t t;
	void *r;

	caught = 0;
	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&t, NULL, reader, &sem);
	sem_wait(&ready);
	usleep(5000);
	pthread_kill(t, SIGUSR1);
	usleep(5000);
	if (flags & SA_RESTART)
		write(pipefd[1], "y", 1);
	pthread_join(t, &r);
	check(caught == 1 && r == expect, what);
}

static int handlerpipe[2];
static sigjmp_buf out;
static volatile int jump, raw_result = 1;

/* write() is a cancellation point as read(), below the handler, is. */
static void on_signal_write(int signo)
{
	if (jump)
		siglongjmp(out, 1);
	write(handlerpipe[1], "h", 1);
}

static void *restarted(void *p)
{
	sem_post(&ready);
	in_read();
	return p;
}

/* The handler leaves read(): the thread is at no cancellation point when it is asked to end. */
static void *jumper(void *p)
{
	char c;

	if (sigsetjmp(out, 1) == 0) {
		sem_post(&ready);
		in_read();
	}
	sem_post(&ready);
	raw_result = syscall(SYS_read, pipefd[0], &c, 1);
	pthread_testcancel();
	return p;
}

static void test_cancel_after_handler(void *(*f)(void *), const char *what)
{
	struct sigaction sa = {.sa_handler = on_signal_write, .sa_flags = SA_RESTART};
	struct timespec until;
	void *r = NULL;
	pthread_t t;
	char c;

	jump = f == jumper;
	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&t, NULL, f, &sem);
	sem_wait(&ready);
	usleep(5000);
	pthread_kill(t, SIGUSR1);
	if (jump)
		sem_wait(&ready);
	else
		read(handlerpipe[0], &c, 1);
	usleep(5000);
	pthread_cancel(t);
	usleep(5000);
	if (jump)
		write(pipefd[1], "z", 1);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	if (pthread_timedjoin_np(t, &r, &until) != 0)
		write(pipefd[1], "z", 1);
	check(r == PTHREAD_CANCELED && raw_result == 1, what);
}

static __thread int counter = 5;
static __thread char zeros[64];

static void *own(void *p)
{
	int good = counter == 5 && zeros[63] == 0;

	counter = 100;
	zeros[63] = 1;
	return good ? p : NULL;
}

static void test_tls(void)
{
	pthread_t t;
	void *r;

	counter = 7;
	memset(zeros, 9, sizeof(zeros));
	pthread_create(&t, NULL, own, &sem);
	pthread_join(t, &r);
	check(r == &sem && counter == 7 && zeros[63] == 9, "thread-local data");
}

int main(void)
{
	volatile long number = SYS_getpid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sem_init(&sem, 0, 0);
	sem_init(&ready, 0, 0);
	if (pipe(pipefd) != 0 || pipe(handlerpipe) != 0)
		return 1;
	test_cancel(in_read, "cancel read");
	test_cancel(in_sleep, "cancel sleep");
	test_cancel(in_nanosleep, "cancel clock_nanosleep");
	test_cancel(in_sem, "cancel sem_wait");
	test_cancel(in_poll, "cancel poll");
	test_cancel(in_cond, "cancel pthread_cond_wait");
	test_cancel(in_pause, "cancel pause");
	test_disabled();
	test_restart(SA_RESTART, &sem, "SA_RESTART: read goes on after the handler");
	test_restart(0, (void *)&caught, "without SA_RESTART: EINTR");
	test_cancel_after_handler(restarted, "cancel a read that goes on after a handler");
	test_cancel_after_handler(jumper, "siglongjmp out of read, cancel outside of it");
	test_tls();
	check(syscall(SYS_gettid) == getpid() && syscall(number) == getpid(), "calls by number");
	return failures != 0;
}
