/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * measure - run guests and time them from outside.
 *
 *   measure marker RUNS TEXT -- CMD... [--- CMD...]...   ms from exec to TEXT on stdout;
 *                                                        an empty TEXT: to the first byte
 *   measure http   RUNS PORT -- CMD... [--- CMD...]...   ms from exec to an HTTP 200
 *   measure least  LO HI TEXT|:PORT -- CMD...            least MiB; @MEM@ in CMD is replaced
 *
 * Several commands are run in turns, so that a noisy machine disturbs all alike; one
 * line per command with the median comes out on stdout, each value on stderr.
 * Every command is its own process group and is killed after its run.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAXCMDS		 8
#define MAXRUNS		 101
#define TIMEOUT_MS	 20000
#define LEAST_TIMEOUT_MS 15000

struct guest {
	pid_t pid;
	int out;
	double start;
};

static double now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static void guest_start(struct guest *g, char **cmd)
{
	int fds[2];

	if (pipe(fds) != 0)
		err(2, "pipe");
	g->start = now_ms();
	g->pid = fork();
	if (g->pid < 0)
		err(2, "fork");
	if (g->pid == 0) {
		int null = open("/dev/null", O_RDWR);
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 0);
		dup2(fds[1], 1);
		dup2(null, 2);
		close(fds[0]);
		close(fds[1]);
		execvp(cmd[0], cmd);
		_exit(127);
	}
	setpgid(g->pid, g->pid);
	close(fds[1]);
	g->out = fds[0];
}

static void guest_end(struct guest *g)
{
	kill(-g->pid, SIGKILL);
	while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(g->out);
}

/* ms until `text` was seen, negative if it never was. */
static double wait_marker(struct guest *g, const char *text, double timeout)
{
	static char buf[1 << 20];
	size_t have = 0, len = strlen(text);

	while (now_ms() - g->start < timeout) {
		struct pollfd p = {.fd = g->out, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, 100) <= 0)
			continue;
		n = read(g->out, buf + have, sizeof(buf) - 1 - have);
		if (n <= 0)
			return -1;
		have += n;
		if (memmem(buf, have, text, len)) /* found at once if text is empty */
			return now_ms() - g->start;
		if (have > sizeof(buf) / 2) {
			memmove(buf, buf + have - len, len);
			have = len;
		}
	}
	return -1;
}

/*
 * As a patient client does: try, try again when that was refused, and, since a SYN may
 * have been lost because nobody listened yet, also when nothing has come back for a while.
 */
#define ATTEMPTS       16
#define ATTEMPT_MS     2   /* after a refusal */
#define ATTEMPT_ALT_MS 20  /* beside one that hangs */
#define ATTEMPT_MAX_MS 300 /* give it up */

struct attempt {
	int fd; /* -1: unused */
	double start;
	bool asked;
};

static void attempt_start(struct attempt *a, unsigned port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	a->start = now_ms();
	a->asked = false;
	a->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd < 0)
		err(2, "socket");
	if (connect(a->fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 && errno != EINPROGRESS) {
		close(a->fd);
		a->fd = -1;
	}
}

/* true: a page came */
static bool attempt_step(struct attempt *a, short revents)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	char reply[64] = "";

	if (revents == 0 && now_ms() - a->start < ATTEMPT_MAX_MS)
		return false;
	if (!a->asked && (revents & POLLOUT) &&
	    write(a->fd, request, sizeof(request) - 1) == sizeof(request) - 1) {
		a->asked = true;
		return false;
	}
	if (a->asked && (revents & POLLIN) && read(a->fd, reply, sizeof(reply) - 1) > 0 &&
	    strncmp(reply, "HTTP/1.1 200", 12) == 0)
		return true;
	close(a->fd);
	a->fd = -1;
	return false;
}

static double wait_http(struct guest *g, unsigned port, double timeout)
{
	struct attempt at[ATTEMPTS];
	struct pollfd p[ATTEMPTS];
	double next = 0, ms = -1;

	for (int i = 0; i < ATTEMPTS; i++)
		at[i].fd = -1;
	while (ms < 0 && now_ms() - g->start < timeout) {
		for (int i = 0; i < ATTEMPTS && now_ms() >= next; i++)
			if (at[i].fd < 0) {
				attempt_start(&at[i], port);
				next = now_ms() + (at[i].fd < 0 ? ATTEMPT_MS : ATTEMPT_ALT_MS);
			}
		for (int i = 0; i < ATTEMPTS; i++)
			p[i] = (struct pollfd){
			    .fd = at[i].fd, .events = at[i].asked ? POLLIN : POLLOUT};
		poll(p, ATTEMPTS, 1);
		for (int i = 0; i < ATTEMPTS && ms < 0; i++) {
			if (at[i].fd < 0)
				continue;
			if (attempt_step(&at[i], p[i].revents))
				ms = now_ms() - g->start;
			else if (at[i].fd < 0)
				next = now_ms() + ATTEMPT_MS;
		}
	}
	for (int i = 0; i < ATTEMPTS; i++)
		if (at[i].fd >= 0)
			close(at[i].fd);
	return ms;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double run_once(char **cmd, const char *what, double timeout)
{
	struct guest g;
	double ms;

	guest_start(&g, cmd);
	ms = what[0] == ':' ? wait_http(&g, atoi(what + 1), timeout)
			    : wait_marker(&g, what, timeout);
	guest_end(&g);
	return ms;
}

/* A run that gets nowhere is told of and left out; a command for which most runs do is an error. */
static void time_commands(int runs, const char *what, char **cmds[], int ncmds)
{
	static double ms[MAXCMDS][MAXRUNS];
	int good[MAXCMDS] = {0};

	for (int r = 0; r < runs; r++)
		for (int c = 0; c < ncmds; c++) {
			double t = run_once(cmds[c], what, TIMEOUT_MS);
			if (t >= 0)
				ms[c][good[c]++] = t;
			fprintf(stderr,
			    t < 0 ? "run %d command %d: got nowhere\n"
				  : "run %d command %d: %.1f ms\n",
			    r + 1, c + 1, t);
		}
	for (int c = 0; c < ncmds; c++) {
		if (good[c] * 2 <= runs)
			errx(1, "command %d (%s) got there %d times in %d", c + 1, cmds[c][0],
			    good[c], runs);
		qsort(ms[c], good[c], sizeof(ms[c][0]), compare);
		printf("%.1f\n", ms[c][good[c] / 2]);
	}
}

/* cmd with @MEM@ replaced; pieces are leaked, the tool is short-lived. */
static bool works_with(char **cmd, const char *what, int mib)
{
	char *argv[256];
	int i;

	for (i = 0; i < 255 && cmd[i]; i++) {
		char *at = strstr(cmd[i], "@MEM@");
		argv[i] = cmd[i];
		if (at &&
		    asprintf(&argv[i], "%.*s%d%s", (int)(at - cmd[i]), cmd[i], mib, at + 5) < 0)
			err(2, "asprintf");
	}
	argv[i] = NULL;
	double ms = run_once(argv, what, LEAST_TIMEOUT_MS);
	fprintf(stderr, "%d MiB: %s\n", mib, ms < 0 ? "no" : "works");
	return ms >= 0;
}

static void least_memory(int lo, int hi, const char *what, char **cmd)
{
	while (hi - lo > 1) {
		int mid = (lo + hi) / 2;
		if (works_with(cmd, what, mid))
			hi = mid;
		else
			lo = mid;
	}
	while (!works_with(cmd, what, hi)) /* once more: it may have been luck */
		hi++;
	printf("%d\n", hi);
}

static void usage(void)
{
	fprintf(stderr, "usage: measure marker RUNS TEXT -- CMD... [--- CMD...]\n"
			"       measure http RUNS PORT -- CMD... [--- CMD...]\n"
			"       measure least LO HI TEXT|:PORT -- CMD...\n");
	exit(2);
}

int main(int argc, char **argv)
{
	char **cmds[MAXCMDS], *what;
	int ncmds = 0, i;

	signal(SIGPIPE, SIG_IGN);
	if (argc < 6)
		usage();
	for (i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
		;
	if (i + 1 >= argc)
		usage();
	cmds[ncmds++] = &argv[i + 1];
	for (i++; i < argc; i++)
		if (strcmp(argv[i], "---") == 0 && ncmds < MAXCMDS) {
			argv[i] = NULL;
			cmds[ncmds++] = &argv[i + 1];
		}
	if (strcmp(argv[1], "least") == 0) {
		least_memory(atoi(argv[2]), atoi(argv[3]), argv[4], cmds[0]);
		return 0;
	}
	int runs = atoi(argv[2]);
	if (runs < 1 || runs > MAXRUNS)
		usage();
	what = argv[3];
	if (strcmp(argv[1], "http") == 0) {
		if (asprintf(&what, ":%s", argv[3]) < 0)
			err(2, "asprintf");
	} else if (strcmp(argv[1], "marker") != 0) {
		usage();
	}
	time_commands(runs, what, cmds, ncmds);
	return 0;
}
