/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Has the kernel fail: kcrash HOW [CPU [COMPANION]].  HOW goes to the test-only system call
 * kiln_crash. CPU is where that is called, 0 if not given.  COMPANION is a second thread, on CPU 1
 * if there is one: "print" prints lines for ever, "hold" answers no interrupts any more, "panic"
 * fails at the same time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

long sys_kiln_crash(const char *how);

static const char *how, *companion;
static volatile int ready;
static long cpus;

static void be_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0) {
		printf("FAIL no CPU %d: %s\n", cpu, strerror(errno));
		exit(1);
	}
}

static void *second(void *arg)
{
	char line[32];

	if (cpus > 1)
		be_on(1);
	if (strcmp(companion, "print") == 0)
		for (int i = 0;; i++) {
			int n = snprintf(line, sizeof(line), "line %d\n", i);
			(void)!write(1, line, (size_t)n);
			ready = i >= 20;
		}
	ready = 1;
	sys_kiln_crash(strcmp(companion, "hold") == 0 ? "hold" : how);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t;

	how = argc > 1 ? argv[1] : "nothing";
	cpus = sysconf(_SC_NPROCESSORS_ONLN); /* counts those we may run on */
	be_on(argc > 2 ? atoi(argv[2]) : 0);
	companion = argc > 3 ? argv[3] : NULL;
	if (companion != NULL) {
		if (pthread_create(&t, NULL, second, NULL) != 0)
			return 1;
		while (!ready)
			;
		/* Long enough for a call to be in the middle of what it does. */
		for (volatile int i = 0; i < 3000000; i++)
			;
	}
	printf("calling %s\n", how);
	long r = sys_kiln_crash(how);
	printf("kiln_crash returned %ld\n", r);
	return 134; /* what a shell makes of a death by SIGABRT */
}
