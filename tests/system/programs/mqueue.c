/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX message queues: order, waiting, limits, notification. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME "/kiln-test"

static mqd_t fresh(int flags, long maxmsg, long msgsize)
{
	struct mq_attr attr = {.mq_maxmsg = maxmsg, .mq_msgsize = msgsize};

	mq_unlink(NAME);
	return mq_open(NAME, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &attr);
}

static struct timespec in_ms(long ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += ms * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

static void names(void)
{
	struct mq_attr attr = {.mq_maxmsg = 0, .mq_msgsize = 8};
	mqd_t a, b;
	char c;

	mq_unlink(NAME);
	check(mq_open(NAME, O_RDWR) == -1 && errno == ENOENT, "no queue of that name");
	check(mq_open(NAME, O_RDWR | O_CREAT, 0600, &attr) == -1 && errno == EINVAL,
	    "a queue without room is refused");
	check(mq_open("/a/b", O_RDWR | O_CREAT, 0600, NULL) == -1 && errno == EACCES,
	    "a name with a slash inside is refused");
	a = fresh(0, 2, 8);
	check(a >= 0, "a queue is made");
	check(mq_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600, NULL) == -1 && errno == EEXIST,
	    "O_EXCL finds it");
	b = mq_open(NAME, O_RDONLY);
	check(b >= 0 && mq_send(b, "x", 1, 0) == -1 && errno == EBADF, "O_RDONLY doesn't send");
	check(mq_send(a, "x", 1, 0) == 0 && mq_unlink(NAME) == 0, "its name is taken away");
	check(mq_open(NAME, O_RDWR) == -1 && errno == ENOENT, "nobody finds it any more");
	check(
	    mq_receive(b, &c, 1, NULL) == -1 && errno == EMSGSIZE, "a buffer too small is refused");
	char room[8];
	check(mq_receive(b, room, 8, NULL) == 1 && room[0] == 'x', "it lives on while it is open");
	mq_close(a);
	mq_close(b);
	check(mq_receive(a, room, 8, NULL) == -1 && errno == EBADF, "a closed queue is no queue");
	check(mq_send(1, "x", 1, 0) == -1 && errno == EBADF, "neither is another descriptor");
}

static void order(void)
{
	static const unsigned priority[] = {1, 5, 3, 5, 0, 3};
	mqd_t q = fresh(0, 10, 8);
	struct mq_attr attr;
	unsigned p, n;
	char got[7] = "", buf[8];

	for (n = 0; n < 6; n++)
		mq_send(q, &"abcdef"[n], 1, priority[n]);
	mq_getattr(q, &attr);
	check(attr.mq_curmsgs == 6 && attr.mq_maxmsg == 10 && attr.mq_msgsize == 8, "mq_getattr");
	for (n = 0; n < 6; n++) {
		mq_receive(q, buf, 8, &p);
		got[n] = buf[0];
	}
	check(strcmp(got, "bdcfae") == 0 && p == 0, "highest priority first, then oldest");
	check(mq_send(q, "x", 1, 32768) == -1 && errno == EINVAL, "a priority too high");
	check(mq_send(q, "123456789", 9, 0) == -1 && errno == EMSGSIZE, "a message too long");
	check(mq_send(q, "", 0, 0) == 0 && mq_receive(q, buf, 8, NULL) == 0, "an empty message");
	mq_close(q);
}

static void limits(void)
{
	mqd_t q = fresh(O_NONBLOCK, 1, 8);
	struct pollfd pfd = {.fd = q, .events = POLLIN | POLLOUT};
	struct timespec ts = in_ms(50), now;
	struct mq_attr attr = {0};
	char buf[8];

	check(mq_receive(q, buf, 8, NULL) == -1 && errno == EAGAIN, "nothing there: EAGAIN");
	check(poll(&pfd, 1, 0) == 1 && pfd.revents == POLLOUT, "poll says there is room");
	mq_send(q, "x", 1, 0);
	check(mq_send(q, "x", 1, 0) == -1 && errno == EAGAIN, "full: EAGAIN");
	check(poll(&pfd, 1, 0) == 1 && pfd.revents == POLLIN, "poll says there is a message");
	check(mq_setattr(q, &attr, NULL) == 0, "mq_setattr");
	check(mq_timedsend(q, "x", 1, 0, &ts) == -1 && errno == ETIMEDOUT, "full: ETIMEDOUT");
	clock_gettime(CLOCK_REALTIME, &now);
	check(now.tv_sec > ts.tv_sec || (now.tv_sec == ts.tv_sec && now.tv_nsec >= ts.tv_nsec),
	    "not before its time");
	ts.tv_nsec = 1000000000;
	check(mq_timedsend(q, "x", 1, 0, &ts) == -1 && errno == EINVAL, "a time that is none");
	mq_close(q);
}

#define MESSAGES 2000
static mqd_t shared;

static void *produce(void *arg)
{
	for (int i = 0; i < MESSAGES; i++)
		if (mq_send(shared, (char *)&i, sizeof(i), 0) != 0)
			return (void *)1;
	return arg;
}

static void threads(void)
{
	pthread_t t[2];
	long sum = 0;
	int i, bad = 0;

	shared = fresh(0, 3, sizeof(int));
	for (i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, produce, NULL);
	for (int n = 0; n < 2 * MESSAGES; n++) {
		if (mq_receive(shared, (char *)&i, sizeof(i), NULL) != sizeof(i))
			bad++;
		sum += i;
	}
	for (i = 0; i < 2; i++) {
		void *result;
		pthread_join(t[i], &result);
		bad += result != NULL;
	}
	check(!bad && sum == (long)MESSAGES * (MESSAGES - 1), "two threads send, one receives");
	mq_close(shared);
}

static volatile int told, told_value;
static volatile pthread_t told_thread;

static void on_signal(int signo, siginfo_t *info, void *context)
{
	(void)signo, (void)context;
	told = info->si_code == SI_MESGQ ? 1 : -1;
	told_value = info->si_value.sival_int;
}

static void on_thread(union sigval value)
{
	told_value = value.sival_int;
	told_thread = pthread_self();
	told = 1;
}

static void wait_told(void)
{
	for (int i = 0; i < 2000 && !told; i++)
		usleep(1000);
}

static void notification(void)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	mqd_t q = fresh(0, 4, 8);
	char buf[8];

	sigaction(SIGUSR1, &sa, NULL);
	ev.sigev_value.sival_int = 42;
	check(mq_notify(q, &ev) == 0 && mq_notify(q, &ev) == -1 && errno == EBUSY,
	    "one registration for a queue");
	mq_send(q, "x", 1, 0);
	wait_told();
	check(told == 1 && told_value == 42, "a signal tells of the first message");
	told = 0;
	mq_send(q, "y", 1, 0);
	mq_receive(q, buf, 8, NULL);
	mq_receive(q, buf, 8, NULL);
	mq_send(q, "z", 1, 0);
	usleep(20000);
	check(told == 0, "once");
	check(mq_notify(q, &ev) == 0 && mq_notify(q, NULL) == 0, "a registration is taken back");
	mq_receive(q, buf, 8, NULL);

	ev.sigev_notify = SIGEV_THREAD;
	ev.sigev_notify_function = on_thread;
	ev.sigev_notify_attributes = NULL;
	ev.sigev_value.sival_int = 43;
	check(mq_notify(q, &ev) == 0, "SIGEV_THREAD");
	mq_send(q, "x", 1, 0);
	wait_told();
	check(told == 1 && told_value == 43 && !pthread_equal(told_thread, pthread_self()),
	    "a thread tells of a message");
	mq_receive(q, buf, 8, NULL);
	told = 0;
	check(mq_notify(q, &ev) == 0 && mq_notify(q, NULL) == 0, "taken back from a thread, too");
	mq_send(q, "x", 1, 0);
	usleep(20000);
	check(told == 0, "which then says nothing");
	mq_close(q);
}

int main(void)
{
	names();
	order();
	limits();
	threads();
	notification();
	mq_unlink(NAME);
	return failures != 0;
}
