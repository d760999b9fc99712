/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests/system/programs/spawn.c starts: does what its arguments say. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int starts = 1; /* data and bss as the first time, whenever it is started */
static int zeros[1000];
static __thread int local = 5;

static void *sleep_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void start_threads(void)
{
	pthread_t t;

	for (int i = 0; i < 3; i++)
		pthread_create(&t, NULL, sleep_for_ever, NULL);
}

static int fresh(void)
{
	int ok = starts++ == 1 && zeros[500]++ == 0 && local++ == 5;

	return ok ? 0 : 1;
}

static int memory(size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *q = malloc(len / 8);

	if (p == MAP_FAILED || q == NULL)
		return 1;
	memset(p, 1, len);
	memset(q, 1, len / 8);
	free(q); /* what is mapped stays */
	return 0;
}

static int copy_input(void)
{
	char buf[512];
	ssize_t n;

	while ((n = read(0, buf, sizeof(buf))) > 0)
		if (write(1, buf, (size_t)n) != n)
			return 1;
	return n == 0 ? 0 : 2;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int number = argc > 2 ? atoi(argv[2]) : 0;
	struct sigaction sa;

	if (strcmp(what, "-c") == 0) { /* a shell whose only command is to say what it is told */
		puts(argv[2]);
		return 0;
	}
	if (strcmp(what, "exit") == 0)
		return number;
	if (strcmp(what, "fresh") == 0)
		return fresh();
	if (strcmp(what, "say") == 0)
		return printf("%s %s\n", argv[2], getenv("WORD")) > 0 ? 0 : 1;
	if (strcmp(what, "copy") == 0)
		return copy_input();
	if (strcmp(what, "ids") == 0)
		return getppid() == number && getpid() != number ? 0 : 1;
	if (strcmp(what, "fd") == 0)
		return fcntl(number, F_GETFD) == -1 ? 1 : 0;
	if (strcmp(what, "memory") == 0)
		return memory((size_t)number << 20);
	if (strcmp(what, "chdir") == 0)
		return chdir("/dev") == 0 ? 0 : 1;
	if (strcmp(what, "action") == 0) {
		sigaction(number, NULL, &sa);
		return sa.sa_handler == SIG_IGN ? 1 : sa.sa_handler == SIG_DFL ? 2 : 3;
	}
	if (strcmp(what, "crash") == 0)
		*(volatile int *)(uintptr_t)(8 * argc) = 1;
	if (strcmp(what, "threads") == 0) {
		start_threads();
		return number;
	}
	if (strcmp(what, "again") == 0) {
		char *args[] = {argv[0], "exit", argv[2], NULL};

		start_threads();
		starts = 100;
		execv(argv[0], args);
		return 99;
	}
	if (strcmp(what, "wait") == 0)
		for (;;)
			pause();
	return 98;
}
