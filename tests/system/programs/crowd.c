/* SPDX-License-Identifier: BSD-2-Clause */
/* 4,000 threads at once, with stacks of the default size: two crowds, one after the other. */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define CROWD 4000

static pthread_t threads[CROWD];
static pthread_barrier_t together;

static void *member(void *arg)
{
	char room[4096];

	memset(room, (int)(long)arg, sizeof(room));
	pthread_barrier_wait(&together);
	return (char *)arg + (room[99] - (char)(long)arg);
}

static int crowd(void)
{
	int n = 0, right = 0;
	void *got;

	pthread_barrier_init(&together, NULL, CROWD + 1);
	while (n < CROWD && pthread_create(&threads[n], NULL, member, (void *)(long)n) == 0)
		n++;
	if (n < CROWD) {
		printf("FAIL crowd: %d threads\n", n);
		return 0;
	}
	pthread_barrier_wait(&together);
	for (int i = 0; i < n; i++)
		right += pthread_join(threads[i], &got) == 0 && got == (void *)(long)i;
	pthread_barrier_destroy(&together);
	return right == CROWD;
}

int main(void)
{
	check(crowd(), "4000 threads at once");
	check(crowd(), "and again");
	return failures != 0;
}
