/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that compute, lock, wait for each other and are preempted; prints ok and FAIL lines. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NTHREADS 8
#define ROUNDS	 2000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter;
static int turn, failures;
static __thread int mine;
static volatile int spinning = 1;

static void check(int ok, const char *what)
{
	printf("%s %s\n", ok ? "ok" : "FAIL", what);
	failures += !ok;
}

static void *count(void *arg)
{
	double x = (double)(long)arg;

	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
		mine++;
		x = x * 1.5 - x / 2; /* the same again: vector registers must survive */
	}
	return mine == ROUNDS && x == (double)(long)arg ? NULL : arg;
}

static void *relay(void *arg)
{
	int me = (int)(long)arg;

	for (int i = 0; i < 50; i++) {
		pthread_mutex_lock(&mutex);
		while (turn != me)
			pthread_cond_wait(&cond, &mutex);
		turn = (turn + 1) % NTHREADS;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *spin(void *arg)
{
	while (spinning)
		continue;
	return NULL;
}

static int run_all(void *(*func)(void *))
{
	pthread_t t[NTHREADS];
	void *result;
	int bad = 0;

	for (long i = 0; i < NTHREADS; i++) {
		if (pthread_create(&t[i], NULL, func, (void *)i) != 0)
			return 1;
	}
	for (int i = 0; i < NTHREADS; i++) {
		pthread_join(t[i], &result);
		bad += result != NULL;
	}
	return bad;
}

int main(void)
{
	struct timespec t0, t1, nap = {0, 20000000};
	pthread_t spinner[3];
	long ms;

	check(run_all(count) == 0 && counter == (long)NTHREADS * ROUNDS, "threads share a mutex");
	check(run_all(relay) == 0 && turn == 0, "threads take turns with a condition variable");
	/* More spinning threads than CPUs, and none of them yields. */
	for (int i = 0; i < 3; i++)
		pthread_create(&spinner[i], NULL, spin, NULL);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (int i = 0; i < 5; i++)
		nanosleep(&nap, NULL);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	spinning = 0;
	for (int i = 0; i < 3; i++)
		pthread_join(spinner[i], NULL);
	ms = (t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000;
	check(ms >= 100 && ms < 2000, "a sleeping thread gets its turn among spinning ones");
	return failures;
}
