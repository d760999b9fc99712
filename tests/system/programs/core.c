/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For t_core.sh: threads that wait, and an end: core segv|abort|exit|triple, core spin.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int the_answer = 41;
volatile unsigned long spun;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void *waiter(void *arg)
{
	volatile int local_of_waiter = 77;

	pthread_mutex_lock(&mutex);
	while (local_of_waiter == 77)
		pthread_cond_wait(&cond, &mutex);
	pthread_mutex_unlock(&mutex);
	return arg;
}

static void *sleeper(void *arg)
{
	volatile long seconds = *(long *)arg;

	sleep((unsigned)seconds);
	return NULL;
}

static __attribute__((noinline)) int crash_here(int *where, const char *how)
{
	volatile int local_of_crash = 7;

	the_answer = 42;
	if (strcmp(how, "abort") == 0)
		abort();
	if (strcmp(how, "exit") == 0)
		exit(0);
	while (strcmp(how, "spin") == 0)
		spun++;
	/* No interrupt descriptors, then an exception: a machine resets, without a word. */
	if (strcmp(how, "triple") == 0)
		__asm__ volatile("lidt %0; ud2" : : "m"((const char[10]){0}));
	*where = local_of_crash;
	return local_of_crash + the_answer;
}

int main(int argc, char **argv)
{
	static long seconds = 1000;
	pthread_t t;

	pthread_create(&t, NULL, waiter, NULL);
	pthread_create(&t, NULL, sleeper, &seconds);
	usleep(50000);
	printf("now\n");
	return crash_here((int *)16, argc > 1 ? argv[1] : "segv");
}
