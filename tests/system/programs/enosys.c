/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls what is not there, often and from two threads at once: ENOSYS each time, and the
 * console names each once (which t_limits.sh counts).  By name: fork, which explains itself, and
 * landlock_restrict_self.
 * By numbers that the compiler does not see: 999, -5 and others, which no table has, and that of
 * ptrace, which the table has, but no image that does not name it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define TIMES 20

static volatile long numbers[] = {999, -5, 0x7fffffff, 987654321987, 101 /* ptrace */};
#define N (sizeof(numbers) / sizeof(numbers[0]))

static pthread_barrier_t barrier;

static long call(unsigned which)
{
	if (which < N)
		return syscall(numbers[which], 1, 2, 3, 4, 5, 6);
	if (which == N)
		return fork();
	return syscall(SYS_landlock_restrict_self, -1, 0);
}

/* => number of calls that said something else. */
static void *caller(void *arg)
{
	long wrong = 0;

	for (unsigned which = 0; which < N + 2; which++) {
		pthread_barrier_wait(&barrier);
		for (int i = 0; i < TIMES; i++) {
			errno = 0;
			if (call(which) != -1 || errno != ENOSYS) {
				printf("FAIL call %u: errno %d\n", which, errno);
				wrong++;
			}
		}
	}
	return (void *)wrong;
}

int main(void)
{
	pthread_t t[2];
	pthread_attr_t small;
	long wrong = 0;
	void *result;

	/* The console message must not need the program's stack. */
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN + 4096);
	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&t[i], &small, caller, NULL) != 0)
			printf("FAIL pthread_create\n");
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], &result);
		wrong += (long)result;
	}
	if (wrong == 0)
		printf("ok all calls say ENOSYS\n");
	/* A call that is there is found by its number, too. */
	volatile long getpid_number = SYS_getpid;
	if (syscall(getpid_number) != getpid())
		printf("FAIL getpid by number\n");
	else
		printf("ok a number that is in the image finds its call\n");
	/* No more than a few numbers are remembered: the others say ENOSYS without a word. */
	for (long n = 2000; n < 2100; n++)
		if (syscall(n) != -1 || errno != ENOSYS)
			printf("FAIL number %ld\n", n);
	return 0;
}
