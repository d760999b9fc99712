/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For t_profile.sh: three quarters of the time in one function, one quarter in another, both below
 * work(): profile SECONDS [sleep]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long sink;

static __attribute__((noinline)) void burn(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sink = sink * 31 + i;
}

static __attribute__((noinline)) void three_quarters(void)
{
	for (int i = 0; i < 3; i++)
		burn(20000);
	sink++;
}

static __attribute__((noinline)) void one_quarter(void)
{
	burn(20000);
	sink++;
}

static __attribute__((noinline)) void work(void)
{
	three_quarters();
	one_quarter();
	sink++;
}

int main(int argc, char **argv)
{
	struct timespec start, now;
	double seconds = argc > 1 ? atof(argv[1]) : 3;

	if (argc > 2 && strcmp(argv[2], "sleep") == 0)
		usleep((unsigned)(seconds * 1e6));
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		work();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 <
		 seconds);
	printf("done\n");
	return 3;
}
