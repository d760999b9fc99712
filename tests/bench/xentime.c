/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xentime NAME CONFIG TEXT SECONDS: in domain 0, make the guest NAME by `xl create' and print after
 * how many milliseconds, from before xl was started, TEXT is in what the guest prints, by the log
 * that xenconsoled keeps.  Exit status 1: it is not there after SECONDS, or the guest ended.  The
 * guest stays.
 */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOGS "/var/log/xen/console"

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static int contains(const char *path, const char *text)
{
	static char data[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd == -1)
		return 0;
	n = read(fd, data, sizeof(data) - 1);
	close(fd);
	data[n > 0 ? n : 0] = '\0';
	return strstr(data, text) != NULL;
}

int main(int argc, char **argv)
{
	char path[256], events[4096];
	double start, end;
	struct pollfd p;
	int status;
	pid_t pid;

	if (argc != 5)
		errx(2, "usage: xentime NAME CONFIG TEXT SECONDS");
	snprintf(path, sizeof(path), LOGS "/guest-%s.log", argv[1]);
	unlink(path);
	p = (struct pollfd){.fd = inotify_init1(IN_NONBLOCK), .events = POLLIN};
	if (p.fd == -1 || inotify_add_watch(p.fd, LOGS, IN_MODIFY | IN_CREATE) == -1)
		err(2, "inotify");
	start = now_ms();
	pid = fork();
	if (pid == 0) {
		execlp("xl", "xl", "create", "-q", "-e", argv[2], NULL);
		_exit(127);
	}
	end = start + atof(argv[4]) * 1e3;
	while (!contains(path, argv[3])) {
		int left = (int)(end - now_ms());

		if (left <= 0)
			return 1;
		if (poll(&p, 1, left) > 0 && read(p.fd, events, sizeof(events)) < 0)
			err(2, "inotify");
	}
	end = now_ms();
	if (waitpid(pid, &status, 0) != pid || status != 0)
		return 1;
	printf("%.0f\n", end - start);
	return 0;
}
