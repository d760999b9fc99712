/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks that are set while somebody waits for them ("set"), and clocks of CPU time. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int in_guest;

static double now(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) != 0)
		return -1;
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct timespec after(double seconds)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += (time_t)seconds;
	return ts;
}

static void step(double seconds)
{
	struct timespec ts = after(seconds);

	if (clock_settime(CLOCK_REALTIME, &ts) != 0)
		check(0, "clock_settime");
}

static void *sleeper(void *arg)
{
	struct timespec until = after(1000);

	(void)arg;
	return (void *)(intptr_t)clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
}

static void *relative_sleeper(void *arg)
{
	struct timespec ts = {0, 300000000};
	double start = now(CLOCK_MONOTONIC);

	(void)arg;
	while (clock_nanosleep(CLOCK_REALTIME, 0, &ts, &ts) == EINTR) /* by the timer's signal */
		;
	return (void *)(intptr_t)(now(CLOCK_MONOTONIC) - start >= 0.3);
}

static volatile sig_atomic_t fired;

static void on_alarm(int signo)
{
	(void)signo;
	fired++;
}

static sem_t never;

static void *timed_out(void *arg)
{
	struct timespec until = after(1);
	double start = now(CLOCK_MONOTONIC);

	(void)arg;
	sem_timedwait(&never, &until);
	return (void *)(intptr_t)(now(CLOCK_MONOTONIC) - start < 15);
}

/* After the clock was set: what looks at it does so rightly. */
static void after_setting(void)
{
	struct itimerspec late = {.it_value = after(1000)}, left;
	struct sigevent none = {.sigev_notify = SIGEV_NONE, .sigev_signo = 12345};
	struct timespec far = {.tv_sec = INT64_MAX};
	pthread_t thread;
	timer_t timer;
	uint64_t n;
	void *result;
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);

	timer_create(CLOCK_REALTIME, &none, &timer);
	timer_settime(timer, TIMER_ABSTIME, &late, NULL);
	step(500);
	timer_gettime(timer, &left);
	check(left.it_value.tv_sec > 400 && left.it_value.tv_sec <= 500, "a timer's rest at once");
	step(600);
	usleep(50000);
	timer_gettime(timer, &left);
	check(left.it_value.tv_sec == 0 && left.it_value.tv_nsec <= 1,
	    "a timer that tells nobody just expires");
	timer_delete(timer);
	late.it_value = (struct timespec){0, 0};
	timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &late, NULL);
	step(-1100);
	check(read(fd, &n, sizeof(n)) == -1 && errno == ECANCELED,
	    "an idle timerfd tells of a setting");
	close(fd);
	step(3600);
	sem_init(&never, 0, 0);
	pthread_create(&thread, NULL, timed_out, NULL);
	pthread_join(thread, &result);
	check(result != NULL, "a timeout after a setting");
	step(-3600);
	check(clock_settime(CLOCK_REALTIME, &far) == -1 && errno == EINVAL,
	    "a time beyond all clocks");
}

static void setting(void)
{
	struct itimerspec late = {.it_value = after(1000)};
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	pthread_t thread, other;
	struct pollfd pfd;
	timer_t timer;
	uint64_t n;
	void *result;
	double start;
	int fd, canceled;

	signal(SIGALRM, on_alarm);
	timer_create(CLOCK_REALTIME, &ev, &timer);
	timer_settime(timer, TIMER_ABSTIME, &late, NULL);
	fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	timerfd_settime(fd, TFD_TIMER_ABSTIME, &late, NULL);
	canceled = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	late.it_value.tv_sec += 100000;
	timerfd_settime(canceled, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &late, NULL);
	pthread_create(&thread, NULL, sleeper, NULL);
	pthread_create(&other, NULL, relative_sleeper, NULL);
	usleep(100000);
	step(-500);
	usleep(100000);
	check(!fired && read(fd, &n, sizeof(n)) == -1 && errno == EAGAIN,
	    "set back: nothing expires");
	check(read(canceled, &n, sizeof(n)) == -1 && errno == ECANCELED,
	    "TFD_TIMER_CANCEL_ON_SET says so");
	check(read(canceled, &n, sizeof(n)) == -1 && errno == EAGAIN, "once");
	start = now(CLOCK_MONOTONIC);
	step(1600);
	pthread_join(thread, &result);
	check(result == NULL && now(CLOCK_MONOTONIC) - start < 30,
	    "set forward: an absolute sleep ends");
	pfd = (struct pollfd){.fd = fd, .events = POLLIN};
	check(poll(&pfd, 1, 30000) == 1 && read(fd, &n, sizeof(n)) == sizeof(n) && n == 1,
	    "a timerfd expires");
	for (int i = 0; i < 3000 && !fired; i++)
		usleep(10000);
	check(fired == 1, "a timer's signal comes");
	pthread_join(other, &result);
	check(result != NULL, "a relative sleep takes its time");
	step(-1100);
	timer_delete(timer);
	close(fd);
	close(canceled);
}

static volatile int stop;

static void *spin(void *arg)
{
	while (!stop)
		;
	return arg;
}

static void cpu_time(void)
{
	struct timespec res;
	clockid_t process, mine, its;
	pthread_t thread;
	double a, b, c;

	check(clock_getcpuclockid(0, &process) == 0 && now(process) >= 0, "clock_getcpuclockid(0)");
	check(clock_getcpuclockid(getpid(), &process) == 0 && clock_getres(process, &res) == 0 &&
		  res.tv_sec == 0,
	    "the same by number");
	check(clock_gettime((clockid_t)(~0x7ffff0U << 3 | 6), &res) == -1 && errno == EINVAL,
	    "the clock of a thread that isn't there");
	pthread_getcpuclockid(pthread_self(), &mine);
	pthread_create(&thread, NULL, spin, NULL);
	pthread_getcpuclockid(thread, &its);
	for (int i = 0; i < 200 && now(its) < 0.02; i++)
		usleep(20000);
	a = now(its);
	for (int i = 0; i < 200 && now(its) < a + 0.02; i++)
		usleep(20000);
	b = now(its);
	c = now(mine);
	usleep(200000);
	c = now(mine) - c;
	check(a >= 0.02 && b > a, "another thread's clock runs while it does");
	check(c >= 0 && c < 0.15, "ours doesn't while we sleep");
	check(now(process) >= b, "the process has what its threads have");
	stop = 1;
	pthread_join(thread, NULL);
	check(killpg(getpgrp(), 0) == 0, "we are in our process group");
}

/* Busy until the signal came `times` times, at most 20 seconds. */
static int burn(int times)
{
	double end = now(CLOCK_MONOTONIC) + 20;

	while (fired < times && now(CLOCK_MONOTONIC) < end)
		;
	return fired >= times;
}

static void cpu_timers(void)
{
	struct itimerval prof = {{0, 20000}, {0, 50000}}, off = {{0, 0}, {0, 0}}, left;
	struct itimerspec it = {{0, 0}, {0, 50000000}}, rest;
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	double start = now(CLOCK_PROCESS_CPUTIME_ID);
	timer_t timer;

	signal(SIGPROF, on_alarm);
	signal(SIGUSR1, on_alarm);
	check(setitimer(ITIMER_PROF, &prof, NULL) == 0, "setitimer(ITIMER_PROF)");
	usleep(150000);
	check(fired == 0, "sleeping costs no CPU time");
	/* Linux counts ticks, and so comes early. */
	check(burn(3) && now(CLOCK_PROCESS_CPUTIME_ID) - start >= (in_guest ? 0.0899 : 0.05),
	    "it comes again and again, not too early");
	check(setitimer(ITIMER_PROF, &off, &left) == 0 && left.it_interval.tv_usec == 20000,
	    "and is stopped");
	fired = 0;
	start = now(CLOCK_THREAD_CPUTIME_ID);
	check(timer_create(CLOCK_THREAD_CPUTIME_ID, &ev, &timer) == 0 &&
		  timer_settime(timer, 0, &it, NULL) == 0,
	    "a timer on a thread's CPU time");
	usleep(100000);
	timer_gettime(timer, &rest);
	check(fired == 0 && rest.it_value.tv_nsec > 0 && rest.it_value.tv_nsec <= 50000000,
	    "has time left");
	check(
	    burn(1) && now(CLOCK_THREAD_CPUTIME_ID) - start >= 0.049, "expires when it is used up");
	timer_gettime(timer, &rest);
	check(rest.it_value.tv_sec == 0 && rest.it_value.tv_nsec == 0, "once");
	timer_delete(timer);
	fired = 0;
}

int main(int argc, char **argv)
{
	in_guest = argc > 1 && strcmp(argv[1], "set") == 0;
	cpu_time();
	cpu_timers();
	if (in_guest) {
		setting();
		after_setting();
	}
	return failures != 0;
}
