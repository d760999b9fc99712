/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mq_notify(3).  For SIGEV_THREAD the kernel writes 32 bytes into a pipe, whose reader is a thread
 * that then calls the program's function; the last byte is 1 if a message came
 * (rumpcomponents/kern/mqueue/mqueue_notify.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>
#include "syscall.h"

#define COOKIE 32
#define WOKEN  1

struct watcher {
	sem_t taken, registered; /* it has what it needs of us; we know whether it is to stay */
	const struct sigevent *event;
	int fd, error;
};

static void *watch(void *arg)
{
	struct watcher *w = arg;
	void (*function)(union sigval) = w->event->sigev_notify_function;
	union sigval value = w->event->sigev_value;
	int fd = w->fd, error;
	char cookie[COOKIE];
	ssize_t n;

	while (sem_wait(&w->registered) != 0)
		;
	error = w->error;
	sem_post(&w->taken);
	if (error)
		return NULL;
	do
		n = read(fd, cookie, sizeof(cookie));
	while (n == -1 && errno == EINTR);
	close(fd);
	if (n == sizeof(cookie) && cookie[COOKIE - 1] == WOKEN)
		function(value);
	return NULL;
}

static int notify_thread(mqd_t mqd, const struct sigevent *event)
{
	static const char zeroes[COOKIE];
	struct watcher w = {.event = event};
	struct sigevent to_kernel = {.sigev_notify = SIGEV_THREAD};
	pthread_attr_t attr;
	pthread_t thread;
	int pipe[2], error, state;

	if (pipe2(pipe, O_CLOEXEC) != 0)
		return -1;
	if (event->sigev_notify_attributes)
		attr = *event->sigev_notify_attributes;
	else
		pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	w.fd = pipe[0];
	sem_init(&w.taken, 0, 0);
	sem_init(&w.registered, 0, 0);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	w.error = pthread_create(&thread, &attr, watch, &w);
	error = w.error ? EAGAIN : 0;
	if (!error) {
		to_kernel.sigev_signo = pipe[1];
		to_kernel.sigev_value.sival_ptr = (void *)zeroes;
		if (syscall(SYS_mq_notify, mqd, &to_kernel) != 0)
			error = w.error = errno;
		sem_post(&w.registered);
		while (sem_wait(&w.taken) != 0)
			;
	}
	pthread_setcancelstate(state, NULL);
	sem_destroy(&w.taken);
	sem_destroy(&w.registered);
	close(pipe[1]);
	if (!error)
		return 0;
	close(pipe[0]);
	errno = error;
	return -1;
}

int mq_notify(mqd_t mqd, const struct sigevent *event)
{
	if (event && event->sigev_notify == SIGEV_THREAD)
		return notify_thread(mqd, event);
	return syscall(SYS_mq_notify, mqd, event);
}
