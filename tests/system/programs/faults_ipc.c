/* SPDX-License-Identifier: BSD-2-Clause */
/* Workloads of faults.c: threads, signals, timers, waiting, and what processes share. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "faults.h"

static bool no_error(int error)
{
	errno = error;
	return error == 0;
}

static void *leaf(void *arg)
{
	static _Thread_local int mine;

	mine++;
	return arg;
}

void work_threads(void)
{
	pthread_mutexattr_t ma;
	pthread_mutex_t m;
	pthread_t t[3];
	int n = 0;

	for (int i = 0; i < 3; i++) {
		bool good = no_error(pthread_create(&t[n], NULL, leaf, NULL));

		note(good, "pthread_create", __LINE__);
		n += good;
	}
	while (n > 0)
		pthread_join(t[--n], NULL);
	/* In the kernel from the start to the end. */
	pthread_mutexattr_init(&ma);
	pthread_mutexattr_setprotocol(&ma, PTHREAD_PRIO_INHERIT);
	if (pthread_mutex_init(&m, &ma) == 0) {
		TRY(no_error(pthread_mutex_lock(&m)));
		pthread_mutex_unlock(&m);
		pthread_mutex_destroy(&m);
	}
	pthread_mutexattr_destroy(&ma);
}

void work_signals(void)
{
	struct timespec none = {0, 0};
	sigset_t set, old;
	siginfo_t si;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 2);
	sigprocmask(SIG_BLOCK, &set, &old);
	TRY((fd = signalfd(-1, &set, SFD_NONBLOCK)) >= 0);
	for (int i = 0; i < 3; i++)
		TRY(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = i}) == 0);
	TRY(kill(getpid(), SIGUSR1) == 0);
	TRY(raise(SIGUSR1) == 0);
	if (fd >= 0) {
		struct signalfd_siginfo s;

		while (read(fd, &s, sizeof(s)) == sizeof(s))
			continue;
		close(fd);
	}
	while (sigtimedwait(&set, &si, &none) > 0)
		continue;
	sigprocmask(SIG_SETMASK, &old, NULL);
}

void work_timers(void)
{
	struct sigevent sev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2};
	struct itimerspec soon = {{0, 0}, {0, 1000000}}, never = {{0, 0}, {1000, 0}};
	struct timespec wait = {0, 200000000};
	sigset_t set, old;
	uint64_t v;
	timer_t t;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 2);
	sigprocmask(SIG_BLOCK, &set, &old);
	if (timer_create(CLOCK_MONOTONIC, &sev, &t) == 0) {
		TRY(timer_settime(t, 0, &never, NULL) == 0);
		TRY(timer_settime(t, 0, &soon, NULL) == 0);
		TRY(sigtimedwait(&set, NULL, &wait) == SIGRTMIN + 2);
		timer_delete(t);
	} else {
		note(false, "timer_create", __LINE__);
	}
	TRY((fd = timerfd_create(CLOCK_MONOTONIC, 0)) >= 0);
	if (fd >= 0) {
		TRY(timerfd_settime(fd, 0, &soon, NULL) == 0);
		if (comes(fd, POLLIN))
			TRY(read(fd, &v, 8) == 8);
		close(fd);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
}

void work_waiting(void)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct pollfd many[100];
	int ep, outer, event[6], n = 0;
	uint64_t v = 1;

	TRY((ep = epoll_create1(0)) >= 0);
	TRY((outer = epoll_create1(0)) >= 0);
	for (int i = 0; i < 6; i++) {
		TRY((event[i] = eventfd(0, EFD_NONBLOCK)) >= 0);
		if (event[i] >= 0 && ep >= 0)
			TRY(epoll_ctl(ep, EPOLL_CTL_ADD, event[i], &ev) == 0);
		if (event[i] >= 0)
			n = i;
	}
	if (ep >= 0 && outer >= 0)
		TRY(epoll_ctl(outer, EPOLL_CTL_ADD, ep, &ev) == 0);
	if (event[n] >= 0)
		TRY(write(event[n], &v, 8) == 8);
	if (outer >= 0)
		TRY(epoll_wait(outer, &ev, 1, 0) == 1);
	if (ep >= 0)
		TRY(epoll_wait(ep, &ev, 1, 0) == 1);
	for (int i = 0; i < 100; i++)
		many[i] = (struct pollfd){event[i % 6], POLLIN, 0};
	TRY(poll(many, 100, 0) > 0);
	TRY(poll(many, 100, 1) > 0);
	many[0].fd = event[0];
	TRY(poll(many, 1, 1) >= 0);
	if (ep >= 0 && event[0] >= 0)
		epoll_ctl(ep, EPOLL_CTL_DEL, event[0], NULL);
	for (int i = 0; i < 6; i++)
		close_if(event[i]);
	close_if(ep);
	close_if(outer);
}

void work_mqueue(void)
{
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 64};
	struct sigevent sev = {.sigev_notify = SIGEV_NONE};
	char buf[64] = "text";
	mqd_t q;

	TRY((q = mq_open("/faults", O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attr)) != (mqd_t)-1);
	if (q != (mqd_t)-1) {
		TRY(mq_notify(q, &sev) == 0);
		TRY(mq_send(q, buf, 64, 1) == 0);
		TRY(mq_send(q, buf, 3, 2) == 0);
		TRY(mq_receive(q, buf, sizeof(buf), NULL) == 3);
		mq_close(q);
	}
	mq_unlink("/faults");
}

void work_sysv(void)
{
	struct {
		long type;
		char text[100];
	} m = {1, "text"};
	struct sembuf up = {0, 1, SEM_UNDO}, down = {0, -1, SEM_UNDO | IPC_NOWAIT};
	struct sembuf many[20] = {{0}};
	unsigned short values[3];
	int id;
	char *p;

	TRY((id = msgget(IPC_PRIVATE, IPC_CREAT | 0600)) >= 0);
	if (id >= 0) {
		TRY(msgsnd(id, &m, sizeof(m.text), IPC_NOWAIT) == 0);
		TRY(msgsnd(id, &m, 3, IPC_NOWAIT) == 0);
		TRY(msgrcv(id, &m, sizeof(m.text), 0, IPC_NOWAIT) == sizeof(m.text));
		msgctl(id, IPC_RMID, NULL);
	}
	TRY((id = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600)) >= 0);
	if (id >= 0) {
		TRY(semop(id, &up, 1) == 0);
		TRY(semop(id, &down, 1) == 0);
		for (int i = 0; i < 20; i++)
			many[i] = (struct sembuf){1, i % 2 ? -1 : 1, IPC_NOWAIT};
		TRY(semop(id, many, 20) == 0);
		TRY(semctl(id, 0, GETALL, values) == 0);
		semctl(id, 0, IPC_RMID);
	}
	TRY((id = shmget(IPC_PRIVATE, 10000, IPC_CREAT | 0600)) >= 0);
	if (id >= 0) {
		TRY((p = shmat(id, NULL, 0)) != (char *)-1);
		if (p != (char *)-1) {
			p[5000] = 1;
			shmdt(p);
		}
		shmctl(id, IPC_RMID, NULL);
	}
}
