/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tool beside us.  Its end shows as that of its output; then there is, in a moment, a status to
 * wait for.  One that is too late is killed, but not waited for either: it may be in a system call
 * that does not end.
 */
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REAP_MS	  10   /* between looks for the status of one that prints no more */
#define KILLED_MS 1000 /* and of one that was killed */

int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

bool job_start(struct job *j, char *const argv[], unsigned ms)
{
	int fd[2], error;

	if (pipe2(fd, O_CLOEXEC) == -1)
		return false;
	*j = (struct job){.pid = start_tool(argv, fd[1]), .fd = fd[0], .kill_at = clock_ms() + ms};
	j->step_at = j->kill_at;
	error = errno;
	close(fd[1]);
	if (j->pid == -1) {
		close(fd[0]);
		*j = (struct job){.fd = -1};
		errno = error;
		return false;
	}
	fcntl(j->fd, F_SETFL, O_NONBLOCK); /* our end only */
	return true;
}

static void take(struct job *j)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(j->fd, buf, sizeof(buf))) > 0)
		sbuf_add(&j->out, buf, (size_t)n);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	close(j->fd);
	j->fd = -1;
}

bool job_step(struct job *j, int *status)
{
	int wstatus;

	if (j->fd != -1)
		take(j);
	if (waitpid(j->pid, &wstatus, WNOHANG) == j->pid) {
		if (j->fd != -1) {
			take(j);
			if (j->fd != -1) /* a child of its own has it still */
				close(j->fd);
		}
		*status = tool_status(wstatus);
		j->pid = 0;
		j->fd = -1;
		return true;
	}
	if (clock_ms() >= j->kill_at && !j->killed) {
		kill(j->pid, SIGKILL);
		j->killed = true;
	}
	if (j->killed)
		j->step_at = clock_ms() + KILLED_MS;
	else if (j->fd == -1)
		j->step_at = clock_ms() + REAP_MS;
	return false;
}
