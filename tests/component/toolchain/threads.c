/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads, cancellation and signals over the libc port; each case prints its name. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(e)                                                                                   \
	do {                                                                                       \
		if (!(e)) {                                                                        \
			printf("line %d: %s\n", __LINE__, #e);                                     \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static void *add(void *p)
{
	for (int i = 0; i < 100000; i++)
		__atomic_add_fetch((long *)p, 1, __ATOMIC_SEQ_CST);
	return p;
}

static void test_join(void)
{
	pthread_t t[8];
	long v = 0;
	void *r;

	for (int i = 0; i < 8; i++)
		CHECK(pthread_create(&t[i], NULL, add, &v) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(pthread_join(t[i], &r) == 0 && r == &v);
	CHECK(v == 800000);
}

static sem_t sem;

static void *post(void *p)
{
	char big[4096];

	memset(big, 1, sizeof(big)); /* the stack is there */
	sem_post(&sem);
	return big[5] ? p : NULL;
}

/* Each unmaps its own stack; leaking them would end the loop early. */
static void test_detached(void)
{
	pthread_attr_t a;
	pthread_t t;

	sem_init(&sem, 0, 0);
	pthread_attr_init(&a);
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&a, 16384);
	for (int i = 0; i < 1000; i++) {
		CHECK(pthread_create(&t, &a, post, NULL) == 0);
		sem_wait(&sem);
	}
}

static void *spin_deferred(void *p)
{
	for (;;)
		pthread_testcancel();
	return p;
}

static void *spin_async(void *p)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	for (;;)
		continue;
	return p;
}

static int pipefd[2];
static int cleaned;

static void cleanup(void *p)
{
	__atomic_add_fetch(&cleaned, 1, __ATOMIC_SEQ_CST);
}

/* Never sleeps for long: the build machine's kernel has no latch. */
static void *write_often(void *p)
{
	char c = 0;

	pthread_cleanup_push(cleanup, NULL);
	for (;;)
		if (write(pipefd[1], &c, 1) == 1)
			CHECK(read(pipefd[0], &c, 1) == 1);
	pthread_cleanup_pop(0);
	return p;
}

static void test_cancel(void *(*f)(void *))
{
	pthread_t t;
	void *r;

	for (int i = 0; i < 200; i++) {
		CHECK(pthread_create(&t, NULL, f, NULL) == 0);
		for (volatile int d = 0; d < i * 100; d++)
			continue;
		CHECK(pthread_cancel(t) == 0);
		CHECK(pthread_join(t, &r) == 0 && r == PTHREAD_CANCELED);
	}
}

static volatile int got;
static volatile double mixed;

static void on_signal(int signo, siginfo_t *si, void *uc)
{
	got++;
	errno = 77;
	mixed = mixed * 2 + signo;
}

static void test_signals(void)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	sigset_t set;
	int n;

	CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
	CHECK(raise(SIGUSR1) == 0 && kill(getpid(), SIGUSR1) == 0 && got == 2);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(raise(SIGUSR2) == 0 && sigwait(&set, &n) == 0 && n == SIGUSR2);
}

static void test_numbers(void)
{
	volatile long number = SYS_getpid;

	CHECK(syscall(SYS_gettid) == getpid());
	CHECK(syscall(number) == getpid());
	errno = 0;
	CHECK(vfork() == -1 && errno == ENOSYS);
	CHECK(fork() == -1 && errno == ENOSYS);
}

int main(void)
{
	test_join();
	test_detached();
	test_cancel(spin_deferred);
	test_cancel(spin_async);
	CHECK(pipe(pipefd) == 0);
	test_cancel(write_often);
	test_signals();
	test_numbers();
	puts("threads: fine");
	return 0;
}
