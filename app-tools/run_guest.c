/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a guest, be it QEMU, a hosted process or the keeper of a domain: a child in a session
 * of its own, so that the terminal's Ctrl-C comes to us alone.  QEMU and processes die with us
 * (PR_SET_PDEATHSIG); a keeper sees our end, and has its domain to destroy.  run_end.c has what
 * happens when the child is no more.  We hold the other ends of
 *
 *   console  socket; what the guest writes goes to standard output unchanged, and
 *            past the symbolizer; standard input goes to the guest once it listens
 *   status   socket; the guest's last word (run_status.c)
 *   qmp      not hosted: the power button, and --core's dump of memory
 *
 * The first SIGINT, SIGTERM or SIGHUP presses the power button, which is SIGTERM
 * to the program; the second, or the end of the grace period, ends the guest.
 */
#include "run_guest.h"
#include "kiln.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AFTER_STATUS_MS 2000	   /* from the guest's last word to its end */
#define AFTER_KEEPER_MS 30000	   /* both of a keeper, who has much to tidy up */
#define PROCESS_AHEAD	16384	   /* bytes of output that we hold, of a process */
#define SERIAL_AHEAD	(64 << 20) /* of a machine */
#define AFTER_QUIT_MS	1000	   /* from asking QEMU to quit to SIGKILL */

int64_t guest_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* -------------------------------------------------------------------- start */

static void pair(int *ours, int *guests)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
		err(kiln_failure, "socketpair");
	*ours = sv[0];
	*guests = sv[1];
}

/* A process of ours has the descriptors that would close with an exec: it would not see us end. */
static void keep(const struct guest *g, struct run *r, const sigset_t *mask)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	close(g->console);
	close(g->status);
	close(g->qmp);
	close(g->signals);
	dup2(null, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	sigprocmask(SIG_SETMASK, mask, NULL);
	r->keeper(r);
	_exit(1);
}

static void child(const struct run *r, const struct strlist *cmd, const char *path, pid_t parent,
    const sigset_t *mask)
{
	bool hosted = strcmp(r->platform, "hosted") == 0;
	const int keep[] = {r->console_fd, r->status_fd, r->qmp_fd, r->net_fd, r->gdb_fd};
	int null;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* too late for the death signal */
		_exit(127);
	setsid();
	for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
		if (keep[i] != -1)
			fcntl(keep[i], F_SETFD, 0);
	null = open("/dev/null", O_RDWR);
	dup2(hosted ? r->console_fd : null, 0);
	dup2(hosted ? r->console_fd : 2, 1);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTTIN, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execv(path, cmd->v);
	warn("%s", path);
	_exit(127);
}

static void spawn(struct guest *g, struct run *r, const struct strlist *cmd, const sigset_t *mask)
{
	char *path = r->keeper ? NULL : find_program(cmd->v[0]);
	pid_t parent = getpid();

	if (path == NULL && r->keeper == NULL)
		err(kiln_failure, "%s", cmd->v[0]);
	g->pid = fork();
	if (g->pid == -1)
		err(kiln_failure, "fork");
	if (g->pid == 0 && r->keeper != NULL)
		keep(g, r, mask);
	if (g->pid == 0)
		child(r, cmd, path, parent, mask);
	free(path);
	close(r->console_fd);
	close(r->status_fd);
	if (r->qmp_fd != -1)
		close(r->qmp_fd);
	if (r->net_fd != -1)
		close(r->net_fd);
	if (r->gdb_fd != -1)
		close(r->gdb_fd);
}

/* ---------------------------------------------------------------- signalling */

void guest_qmp_send(struct guest *g, const char *command)
{
	/* A socket buffer's worth of commands is never outstanding. */
	if (g->qmp != -1 &&
	    send(g->qmp, command, strlen(command), MSG_NOSIGNAL | MSG_DONTWAIT) == -1) {
		close(g->qmp);
		g->qmp = -1;
	}
}

static void press_power_button(struct guest *g)
{
	if (g->hosted)
		kill(g->pid, SIGTERM);
	else
		guest_qmp_send(g, "{\"execute\":\"system_powerdown\"}\n");
}

void guest_end(struct guest *g)
{
	if (g->reader.ending.outcome == END_NONE)
		g->forced = true;
	if (g->ended) /* its number may be another's by now */
		return;
	if (g->killing && g->run->keeper != NULL && guest_now() < g->kill_at)
		return; /* it is at it */
	if (g->killing || g->qmp == -1) {
		kill(g->pid, SIGKILL);
		g->kill_at = INT64_MAX;
	} else {
		guest_qmp_send(g, "{\"execute\":\"quit\"}\n");
		g->kill_at = guest_now() + (g->run->keeper ? AFTER_KEEPER_MS : AFTER_QUIT_MS);
	}
	g->killing = true;
}

/* What a keeper had started must not go on without it: half of a domain would come back. */
static void reap(struct guest *g)
{
	siginfo_t si = {0};

	if (waitid(P_PID, (id_t)g->pid, &si, WEXITED | WNOHANG | WNOWAIT) == -1 || si.si_pid == 0)
		return;
	if (g->run->keeper != NULL)
		kill(-g->pid, SIGKILL); /* the number is nobody else's until it is waited for */
	if (waitpid(g->pid, &g->wstatus, WNOHANG) == g->pid)
		g->ended = true;
}

static void handle_signal(struct guest *g, int sig)
{
	if (sig == SIGQUIT) {
		run_core_dump(g, true);
		return;
	}
	if (sig == SIGCHLD) {
		reap(g);
		return;
	}
	if (g->stop_signal != 0) {
		guest_end(g);
		return;
	}
	g->stop_signal = sig;
	g->kill_at = guest_now() + g->run->grace * INT64_C(1000);
	if (isatty(STDERR_FILENO))
		fprintf(
		    stderr, "\nkiln run: power button pressed; once more ends the guest at once\n");
	press_power_button(g);
}

static void read_signals(struct guest *g)
{
	struct signalfd_siginfo si;

	while (read(g->signals, &si, sizeof(si)) == sizeof(si))
		handle_signal(g, (int)si.ssi_signo);
}

/* ----------------------------------------------------------------- channels */

void guest_drop(int *fd)
{
	close(*fd);
	*fd = -1;
}

void guest_forget_out(struct guest *g)
{
	g->out.len = g->outpos = 0;
}

/* After poll(2): so little does not block. */
void guest_write_out(struct guest *g)
{
	size_t len = guest_out_left(g) < PIPE_BUF ? guest_out_left(g) : PIPE_BUF;
	ssize_t n = write(STDOUT_FILENO, g->out.s + g->outpos, len);

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n == -1) {
		/* Nobody reads any more is what SIGPIPE says to other programs. */
		g->out_errno = errno;
		if (g->stop_signal == 0)
			g->stop_signal = SIGPIPE;
		guest_forget_out(g);
		guest_end(g);
		return;
	}
	g->outpos += (size_t)n;
	if (guest_out_left(g) == 0)
		guest_forget_out(g);
}

/* A process can wait for a slow reader; a serial line loses what nobody takes. */
static bool out_has_room(const struct guest *g)
{
	return guest_out_left(g) < (g->hosted ? PROCESS_AHEAD : SERIAL_AHEAD);
}

/* Returns false at the end of the console. */
bool guest_read_console(struct guest *g)
{
	char data[4096];
	ssize_t n = recv(g->console, data, sizeof(data), MSG_DONTWAIT);

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;
	g->spoke = true;
	symbolizer_feed(&g->symbolizer, data, (size_t)n);
	if (g->out_errno == 0)
		sbuf_add(&g->out, data, (size_t)n);
	return true;
}

bool guest_read_status(struct guest *g)
{
	char buf[256];
	ssize_t n = recv(g->status, buf, sizeof(buf), MSG_DONTWAIT);
	int64_t patience = g->run->keeper ? AFTER_KEEPER_MS : AFTER_STATUS_MS;

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;
	status_feed(&g->reader, buf, (size_t)n);
	if (g->reader.ending.outcome != END_NONE && g->kill_at > guest_now() + patience)
		g->kill_at = guest_now() + patience;
	/* A process waits for us now, unless it has ended by itself. */
	if (g->hosted && g->run->core != NULL && !g->killing &&
	    g->reader.ending.outcome != END_NONE && g->reader.ending.outcome != END_EXIT) {
		if (run_core_wanted(&g->reader.ending))
			run_core_dump(g, false);
		guest_end(g);
	}
	return true;
}

/* The machine is off, but there: its status may still be on the way to us. */
static void is_off(struct guest *g)
{
	struct pollfd s = {.events = POLLIN};

	for (s.fd = g->status; g->status != -1 && poll(&s, 1, 0) == 1; s.fd = g->status)
		if (!guest_read_status(g))
			guest_drop(&g->status);
	if (g->reader.ending.outcome == END_NONE)
		g->broken = true; /* a triple fault */
	if (!run_core_wanted(&g->reader.ending) || !run_core_dump(g, false))
		guest_end(g);
}

/*
 * QEMU stops the machine after an error of its own (KVM: emulation failure) and
 * waits for somebody to look at it.  Nobody would, unless it is a debugger.
 */
static void qmp_line(struct guest *g)
{
	if (strstr(g->qmp_text, RUN_CORE_ID) != NULL && g->dumping != CORE_NONE) {
		run_core_dumped(g, g->qmp_text);
		return;
	}
	if (g->killing || g->dumping != CORE_NONE)
		return;
	if (strstr(g->qmp_text, "\"SHUTDOWN\"") != NULL && g->run->core != NULL) {
		is_off(g);
		return;
	}
	if (strstr(g->qmp_text, "\"STOP\"") == NULL || g->run->gdb || g->run->profile != NULL)
		return;
	fprintf(stderr, "kiln run: QEMU stopped the machine\n");
	g->broken = true;
	if (!run_core_dump(g, false))
		guest_end(g);
}

static bool read_qmp(struct guest *g)
{
	char buf[512];
	ssize_t n = recv(g->qmp, buf, sizeof(buf), MSG_DONTWAIT);

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return true;
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n') {
			g->qmp_text[g->qmp_len] = '\0';
			qmp_line(g);
			g->qmp_len = 0;
		} else if (g->qmp_len < sizeof(g->qmp_text) - 1) {
			g->qmp_text[g->qmp_len++] = buf[i];
		}
	}
	return n > 0;
}

/*
 * What comes from a pipe or a file has an end, and may hold any byte, but a serial line
 * knows only bytes: DLE EOT is the end, DLE DLE one DLE (kern/console).
 */
#define DLE 0x10
#define EOT 0x04

static void add_in(struct guest *g, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (g->run->pipe_input && data[i] == DLE)
			g->in[g->inlen++] = DLE;
		g->in[g->inlen++] = data[i];
	}
}

static void read_stdin(struct guest *g)
{
	char data[sizeof(g->in) / 2];
	ssize_t n = read(STDIN_FILENO, data, sizeof(data));

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0) {
		add_in(g, data, (size_t)n);
		return;
	}
	g->stdin_open = false;
	if (g->run->pipe_input) {
		g->in[g->inlen++] = DLE;
		g->in[g->inlen++] = EOT;
	}
}

static void write_in(struct guest *g)
{
	ssize_t n = send(g->console, g->in, g->inlen, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n == -1)
		n = (ssize_t)g->inlen;
	g->inlen -= (size_t)n;
	memmove(g->in, g->in + n, g->inlen);
}

/* --------------------------------------------------------------------- loop */

int guest_poll_ms(const struct guest *g)
{
	int64_t at = g->kill_at < g->timeout_at ? g->kill_at : g->timeout_at, left;

	if (g->sampling && (int64_t)g->sample_at < at)
		at = (int64_t)g->sample_at;
	if (at == INT64_MAX)
		return -1;
	left = at - guest_now();
	return left < 0 ? 0 : left > 1000000 ? 1000000 : (int)left;
}

static void check_time(struct guest *g)
{
	if (guest_now() >= g->timeout_at) {
		g->timeout_at = INT64_MAX;
		fprintf(stderr, "kiln run: no end after %u s\n", g->run->timeout);
		if (g->stop_signal == 0)
			g->stop_signal = SIGALRM;
		if (!run_core_dump(g, false))
			guest_end(g);
	} else if (guest_now() >= g->kill_at) {
		guest_end(g);
	}
}

enum { P_SIGNALS, P_CONSOLE, P_STATUS, P_QMP, P_STDIN, P_STDOUT, P_N };

static void wait_once(struct guest *g)
{
	struct pollfd p[P_N];

	for (int i = 0; i < P_N; i++)
		p[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	p[P_SIGNALS].fd = g->signals;
	p[P_STATUS].fd = g->status;
	p[P_QMP].fd = g->qmp;
	if (out_has_room(g))
		p[P_CONSOLE].fd = g->console;
	if (g->inlen > 0) {
		p[P_CONSOLE].fd = g->console;
		p[P_CONSOLE].events = (short)((out_has_room(g) ? POLLIN : 0) | POLLOUT);
	} else if (g->stdin_open && (g->hosted || g->reader.input)) {
		/* A serial port that nobody listens to yet would lose it. */
		p[P_STDIN].fd = STDIN_FILENO;
	}
	if (guest_out_left(g) > 0)
		p[P_STDOUT] = (struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT};
	if (poll(p, P_N, guest_poll_ms(g)) == -1 && errno != EINTR)
		err(kiln_failure, "poll");
	if (p[P_STDOUT].revents != 0)
		guest_write_out(g);
	if ((p[P_CONSOLE].revents & (POLLIN | POLLHUP | POLLERR)) && out_has_room(g) &&
	    !guest_read_console(g))
		guest_drop(&g->console);
	if ((p[P_CONSOLE].revents & POLLOUT) && g->console != -1)
		write_in(g);
	if (p[P_STATUS].revents != 0 && !guest_read_status(g))
		guest_drop(&g->status);
	if (p[P_QMP].revents != 0 && !read_qmp(g))
		guest_drop(&g->qmp);
	if (p[P_STDIN].revents != 0)
		read_stdin(g);
	if (p[P_SIGNALS].revents != 0)
		read_signals(g);
	run_profile_sample(g);
	check_time(g);
}

static void emit(void *arg, const char *line, size_t len)
{
	fwrite(line, 1, len, stderr);
}

static void open_symbols(struct guest *g)
{
	const char *path = g->run->image.path, *why = NULL;

	g->symbolizer.emit = emit;
	g->symbolizer.symbols = symbols_open(path, &why);
	if (g->symbolizer.symbols == NULL)
		g->symbolizer.why_none = xasprintf("%s.debug: %s", path, why);
}

/* Reading a terminal in the background would stop us; no descriptor is at its end. */
static bool stdin_usable(void)
{
	return !isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static void block_signals(struct guest *g, sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	if (g->run->core != NULL)
		sigaddset(&set, SIGQUIT);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, old);
	g->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (g->signals == -1)
		err(kiln_failure, "signalfd");
}

struct ending run_guest(struct run *r, void (*command)(const struct run *, struct strlist *))
{
	struct guest g = {.run = r,
	    .qmp = -1,
	    .kill_at = INT64_MAX,
	    .timeout_at = INT64_MAX,
	    .hosted = strcmp(r->platform, "hosted") == 0};
	struct strlist cmd = {0};
	sigset_t mask;
	int gdb = -1;

	r->pipe_input = !isatty(STDIN_FILENO) && strlist_has(&r->image.components, "kern/console");
	pair(&g.console, &r->console_fd);
	pair(&g.status, &r->status_fd);
	if (!g.hosted)
		pair(&g.qmp, &r->qmp_fd);
	if (r->profile != NULL && !g.hosted)
		pair(&gdb, &r->gdb_fd);
	if (command != NULL)
		command(r, &cmd);
	block_signals(&g, &mask);
	spawn(&g, r, &cmd, &mask);
	if (r->timeout != 0)
		g.timeout_at = guest_now() + r->timeout * INT64_C(1000);
	guest_qmp_send(&g, "{\"execute\":\"qmp_capabilities\"}\n");
	open_symbols(&g);
	if (r->profile != NULL)
		run_profile_start(&g, gdb);
	g.stdin_open = stdin_usable();
	while (!g.ended)
		wait_once(&g);
	guest_lost(&g, r);
	guest_drain(&g);
	if (g.profile != NULL)
		run_profile_write(&g);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return guest_ending(&g);
}
