/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that run on the program's own stack (LEAF in syscalls.master): with
 * no stack there yet, in a handler that interrupts one, and at the moment a signal comes.
 */
#include "check.h"

#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define STACK  (1 << 20)
#define ROUNDS 2000

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	return clock_gettime(clock, &ts) == 0 ? ts.tv_sec * 1000000000ULL + ts.tv_nsec : 0;
}

/* ------------------------------------------------ a stack that is not there */

struct where {
	char *stack;
	clockid_t clock;
};

static __attribute__((noinline)) void deep(size_t pad, clockid_t clock)
{
	/* cppcheck-suppress allocaCalled ; the stack is what this is about */
	volatile char *p = alloca(pad);

	p[pad - 1] = 1;
	(void)read_clock(clock);
}

static void *step_down(void *arg)
{
	const struct where *w = arg;

	for (size_t pad = 4096; pad < 3 * 4096; pad += 16) {
		uintptr_t here = (uintptr_t)__builtin_frame_address(0) - 1024;

		/* Give back all that lies clearly below us. */
		madvise(w->stack, (here & ~4095UL) - (uintptr_t)w->stack, MADV_DONTNEED);
		deep(pad, w->clock);
	}
	return NULL;
}

static void missing_stack(clockid_t clock, const char *what)
{
	struct where w = {.clock = clock};
	pthread_attr_t attr;
	pthread_t t;

	w.stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, w.stack, STACK);
	check(pthread_create(&t, &attr, step_down, &w) == 0 && pthread_join(t, NULL) == 0, what);
}

/* --------------------------------------------- a handler in the midst of one */

static volatile int alarms;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
	(void)read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static void in_a_handler(void)
{
	struct itimerval it = {{0, 1000}, {0, 1000}}, off = {{0, 0}, {0, 0}};
	uint64_t start = read_clock(CLOCK_MONOTONIC), past = 0;

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &it, NULL);
	/* A second; longer on a host that has other work. */
	while (past < 1000000000 || (alarms <= 50 && past < UINT64_C(20000000000))) {
		(void)read_clock(CLOCK_PROCESS_CPUTIME_ID);
		past = read_clock(CLOCK_MONOTONIC) - start;
	}
	setitimer(ITIMER_REAL, &off, NULL);
	check(alarms > 50, "a handler reads the clock that it interrupts the reading of");
}

/* ------------------------------------------ a signal just as the call returns */

static _Atomic int got, phase;
static pthread_t main_thread;

static void on_usr1(int sig)
{
	(void)sig;
	got = 1;
}

static void *sender(void *arg)
{
	for (unsigned n = 0; n < ROUNDS; n++) {
		while (phase != 1)
			sched_yield();
		for (volatile unsigned k = 0; k < n * 13 % 3000; k++)
			continue;
		phase = 2;
		pthread_kill(main_thread, SIGUSR1);
	}
	return arg;
}

static void signal_at_the_end(void)
{
	unsigned lost = 0;
	pthread_t t;

	signal(SIGUSR1, on_usr1);
	main_thread = pthread_self();
	pthread_create(&t, NULL, sender, NULL);
	for (unsigned n = 0; n < ROUNDS && lost == 0; n++) {
		uint64_t spins = 0;

		got = 0;
		phase = 1;
		while (phase == 1)
			(void)read_clock(CLOCK_THREAD_CPUTIME_ID);
		/* From here on only computing: nothing that looks for signals. */
		while (!got && spins < 2000000000)
			spins++;
		lost += !got;
	}
	check(lost == 0, "a signal reaches a thread that computes after a call");
	if (lost == 0)
		pthread_join(t, NULL);
}

int main(void)
{
	uint64_t a = read_clock(CLOCK_PROCESS_CPUTIME_ID);

	setvbuf(stdout, NULL, _IOLBF, 0);
	missing_stack(CLOCK_MONOTONIC, "the monotonic clock on a stack that is not there yet");
	missing_stack(CLOCK_REALTIME, "the wall clock on a stack that is not there yet");
	missing_stack(
	    CLOCK_THREAD_CPUTIME_ID, "the thread's clock on a stack that is not there yet");
	missing_stack(
	    CLOCK_PROCESS_CPUTIME_ID, "the process's clock on a stack that is not there yet");
	in_a_handler();
	signal_at_the_end();
	check(read_clock(CLOCK_PROCESS_CPUTIME_ID) > a, "CPU time passes");
	check(clock_gettime(12345, &(struct timespec){0}) == -1, "an unknown clock is refused");
	return failures != 0;
}
