/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends in the way its argument says: a number is an exit status. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int zero;
static int *volatile nowhere;

static __attribute__((noinline)) void innermost(void)
{
	*nowhere = 1;
}

static __attribute__((noinline)) void middle(void)
{
	innermost();
	zero++; /* not a tail call */
}

static volatile sig_atomic_t terminated;

static void on_sigterm(int sig)
{
	terminated = sig == SIGTERM;
}

static int wait_for_sigterm(void)
{
	signal(SIGTERM, on_sigterm);
	while (!terminated)
		pause();
	printf("ending: SIGTERM\n");
	return 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "0";

	printf("ending: %s\n", how);
	fflush(stdout);
	if (strcmp(how, "null") == 0)
		middle();
	else if (strcmp(how, "abort") == 0)
		abort();
	else if (strcmp(how, "raise") == 0)
		raise(SIGTERM);
	else if (strcmp(how, "term") == 0)
		return wait_for_sigterm();
	else if (strcmp(how, "sleep") == 0)
		return pause();
	else if (strcmp(how, "divide") == 0)
		return 1000 / *(volatile int *)&zero; /* 1 / x is done without dividing */
	else if (strcmp(how, "illegal") == 0)
		__asm__ volatile("ud2");
	return atoi(how);
}
