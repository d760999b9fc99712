/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keeper of a domain: to run_guest.c it is what QEMU is elsewhere, a process that has the
 * guest's console, its last word and its power button; it is ours, though, and stays behind
 * if we are killed, to destroy the domain.  It sees our end by that of the channels.
 *
 *   xl create -p      a paused domain, with nobody of xl's to watch it (-e)
 *   xl list -v        its number, by its UUID: names are anybody's; later, whether it has ended
 *   the store         the rest of the configuration, where the console is
 *   the console       the terminal that xenconsoled made: its bytes come and go unchanged, but
 *                     for the guest's last word (docs/xen.md)
 *   xenstore-watch    says when some domain ended; xl list whether it is ours
 *   xl destroy        at the end, whatever the end was
 *
 * Exit status 0 says that the domain is gone, RUN_DOMAIN_AWAY that others took it away: saved,
 * moved or destroyed it.  After any other end run_guest.c has run_domain_lost() look for it.
 *
 * While the guest runs nothing is waited for but events: a tool that is needed then is a job.
 */
#include "forward.h"
#include "kiln.h"
#include "run_domain.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define TTY_WAIT_MS 10000 /* for xenconsoled to see the domain */
#define QUIET_MS    500	  /* a dead domain's console that says nothing for so long is at its end */
#define LOOK_AFTER_MS                                                                              \
	300 /* from a domain's end to the question which: its last word saves asking */
#define WORD_MAX 40
#define RETRY_MS 1000 /* between questions while nobody tells us when to ask */

struct keeper {
	struct run *run;
	struct domain domain;
	char *id; /* its number, for xl */
	struct job question, shutdown;
	int tty, watch;
	pid_t watcher;
	struct forwarder *forwarder;
	int64_t look_at; /* ms of clock_ms(); INT64_MAX: never */
	bool taken_away; /* by somebody else */

	char *mark; /* what begins the last word */
	size_t matched;
	char word[WORD_MAX];
	size_t wordlen;
	bool in_word, ended;

	char out[16384]; /* to the console's reader */
	size_t outlen;
	char in[4096]; /* to the guest */
	size_t inlen;
};

/* ------------------------------------------------------------------- start */

/* Like domain_tool(), but its failure is the end. */
static void must(struct keeper *k, const char *const argv[])
{
	struct sbuf out = {0};
	int status = domain_tool(k->run, &out, argv);

	if (status != 0) {
		fwrite(out.s, 1, out.len, stderr);
		warnx("%s %s failed", argv[0], argv[1]);
		domain_destroy(&k->domain);
		_exit(1);
	}
	sbuf_free(&out);
}
#define MUST(k, ...) must(k, (const char *const[]){__VA_ARGS__, NULL})

/*
 * A file without a name, for what xl reads, which wants a plain file: there is nothing to be
 * removed, whoever is killed.
 */
static int config_file(const struct sbuf *config)
{
	int fd = memfd_create(RUN_XEN_FILE, 0); /* xl opens it by what it inherits */
	size_t at = 0;
	ssize_t n;

	if (fd == -1)
		err(1, "memfd_create");
	while (at < config->len) {
		n = write(fd, config->s + at, config->len - at);
		if (n == -1 && errno != EINTR)
			err(1, "%s", RUN_XEN_FILE);
		at += n > 0 ? (size_t)n : 0;
	}
	return fd;
}

static void create(struct keeper *k, struct sbuf *stored)
{
	struct sbuf config = {0};
	char *path;
	int fd;

	run_xen_config(k->run, &config, stored);
	fd = config_file(&config);
	path = xasprintf("/proc/self/fd/%d", fd);
	MUST(k, "xl", "create", "-q", "-e", "-p", path);
	close(fd);
	free(path);
	sbuf_free(&config);
	if (domain_find(&k->domain) != DOMAIN_RUNS) {
		warnx(
		    "xl list does not have the domain %s, %s", k->run->xen.name, k->run->xen.uuid);
		domain_destroy(&k->domain);
		_exit(1);
	}
	k->id = xasprintf("%u", k->domain.id);
}

/* xenstore-write takes backslashes for the beginning of something. */
static void store_document(struct keeper *k, const struct sbuf *doc)
{
	for (size_t at = 0, part = 0; at < doc->len; at += RUN_XEN_PART, part++) {
		char *path = xasprintf("/local/domain/%u/data/kiln/%zu", k->domain.id, part);
		struct sbuf value = {0};

		for (size_t i = at; i < doc->len && i < at + RUN_XEN_PART; i++)
			sbuf_add(&value, doc->s[i] == '\\' ? "\\\\" : &doc->s[i],
			    doc->s[i] == '\\' ? 2 : 1);
		MUST(k, "xenstore-write", "--", path, value.s); /* it may begin with a dash */
		sbuf_free(&value);
		free(path);
	}
}

/* Domain 0's end of the link; what a script of Xen's would do. */
static void raise_link(struct keeper *k)
{
	char *vif = xasprintf("vif%u.0", k->domain.id);
	char *path = xasprintf("/local/domain/0/backend/vif/%u/0/hotplug-status", k->domain.id);

	MUST(k, "ip", "address", "add", k->run->xen.host, "dev", vif);
	MUST(k, "ip", "link", "set", vif, "up");
	MUST(k, "xenstore-write", path, "connected");
	free(vif);
	free(path);
}

static void open_console(struct keeper *k)
{
	char *path = xasprintf("/local/domain/%u/console/tty", k->domain.id);
	int64_t until = clock_ms() + TTY_WAIT_MS;
	struct termios t;

	while (k->tty == -1) {
		struct sbuf out = {0};

		if (TOOL(k->run, &out, "xenstore-read", path) == 0) {
			char *line = last_line(&out);

			if (*line == '/')
				k->tty = open(line, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
			free(line);
		}
		sbuf_free(&out);
		if (k->tty == -1 && clock_ms() > until) {
			warnx("the domain has no console: xenconsoled does not run");
			domain_destroy(&k->domain);
			_exit(1);
		}
		if (k->tty == -1)
			usleep(20000);
	}
	if (tcgetattr(k->tty, &t) == 0) {
		cfmakeraw(&t);
		tcsetattr(k->tty, TCSANOW, &t);
	}
	free(path);
}

static void start_watch(struct keeper *k)
{
	char *path = find_program("xenstore-watch");
	int fd[2];

	if (path == NULL || pipe2(fd, O_CLOEXEC | O_NONBLOCK) == -1) {
		k->look_at = clock_ms();
		return;
	}
	k->watcher = fork();
	if (k->watcher == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd[1], STDOUT_FILENO);
		execl(path, path, "@releaseDomain", NULL);
		_exit(127);
	}
	close(fd[1]);
	k->watch = fd[0];
	free(path);
}

static void start_forwarding(struct keeper *k)
{
	const struct run *r = k->run;
	struct in_addr guest;

	if (r->nforward == 0)
		return;
	guest = spec_prefix_address(r->ip); /* run_xen_check() wants it */
	k->forwarder = forward_open();
	if (k->forwarder == NULL)
		err(1, "epoll");
	for (size_t i = 0; i < r->nforward; i++)
		forward_add(
		    k->forwarder, r->xen.listen[i], guest, r->forward[i].guest, r->forward[i].udp);
}

/* ----------------------------------------------------------------- channels */

static void say(const struct keeper *k, const char *status)
{
	(void)!send(k->run->status_fd, status, strlen(status), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* One byte of the console.  The mark's first byte is nowhere else in it, so a mismatch is simple.
 */
static void take(struct keeper *k, char c)
{
	if (k->in_word) {
		if (c == '\033') {
			char *line = xasprintf("kiln: %.*s\n", (int)k->wordlen, k->word);

			say(k, line);
			free(line);
			k->ended = true;
		} else if (k->wordlen < WORD_MAX) {
			k->word[k->wordlen++] = c;
		}
		return;
	}
	if (k->matched > 0 && c != k->mark[k->matched]) {
		memcpy(k->out + k->outlen, k->mark, k->matched);
		k->outlen += k->matched;
		k->matched = 0;
	}
	if (c != k->mark[k->matched]) {
		k->out[k->outlen++] = c;
	} else if (k->mark[++k->matched] == '\0') {
		k->matched = 0;
		k->in_word = true;
	}
}

/* Returns false if there was nothing to read, or no more room. */
static bool read_tty(struct keeper *k)
{
	char data[4096];
	ssize_t n;

	if (k->tty == -1 || k->outlen + sizeof(data) + strlen(k->mark) > sizeof(k->out))
		return false;
	n = read(k->tty, data, sizeof(data));
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		close(k->tty);
		k->tty = -1;
		k->look_at = clock_ms();
		return false;
	}
	for (ssize_t i = 0; i < n && !k->ended; i++)
		take(k, data[i]);
	return true;
}

/* To `fd', what it takes of *len bytes; they are gone if it takes none for ever. */
static void pass_on(int fd, char *data, size_t *len)
{
	ssize_t n = write(fd, data, *len);

	if (n == -1)
		n = errno == EAGAIN || errno == EINTR ? 0 : (ssize_t)*len;
	*len -= (size_t)n;
	memmove(data, data + n, *len);
}

/* All the rest; the reader may be slow. */
static void flush_out(struct keeper *k)
{
	struct pollfd p = {.fd = k->run->console_fd, .events = POLLOUT};

	while (k->outlen > 0)
		if (poll(&p, 1, -1) > 0)
			pass_on(p.fd, k->out, &k->outlen);
		else if (errno != EINTR)
			return;
}

/* A line of what QEMU's monitor would be told.  Returns false at the end of it all. */
static bool obey(struct keeper *k)
{
	char text[512];
	ssize_t n = recv(k->run->qmp_fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	text[n] = '\0';
	if (strstr(text, "\"quit\"") != NULL)
		return false;
	if (strstr(text, "\"system_powerdown\"") != NULL && k->shutdown.pid == 0 &&
	    !domain_job(k->run, &k->shutdown, (const char *const[]){"xl", "shutdown", k->id, NULL}))
		warn("xl shutdown");
	return true;
}

/* The domain is no more, or as good as: what it said last is on its way still. */
static void drain(struct keeper *k)
{
	struct pollfd p = {.fd = k->tty, .events = POLLIN};
	int n;

	while (!k->ended && k->tty != -1) {
		n = poll(&p, 1, QUIET_MS);
		if (n == 0 || (n == -1 && errno != EINTR))
			break;
		if (n > 0 && !read_tty(k) && k->outlen > 0)
			flush_out(k);
	}
}

/* Without anybody to tell us we have to look from time to time. */
static void look_again(struct keeper *k, enum domain_state state)
{
	bool told = k->watch != -1 && state == DOMAIN_RUNS;

	if (!told && k->look_at == INT64_MAX) /* else something has happened since we asked */
		k->look_at = clock_ms() + RETRY_MS;
}

/* Ask when it is time, and hear the answer.  Returns false if the domain is at its end. */
static bool watch_domain(struct keeper *k)
{
	enum domain_state state;
	int status;

	if (k->question.pid == 0) {
		if (clock_ms() < k->look_at)
			return true;
		k->look_at = INT64_MAX;
		if (!domain_job(k->run, &k->question, DOMAIN_QUESTION))
			look_again(k, domain_answer(&k->domain, -1, &k->question.out));
		return true;
	}
	if (!job_step(&k->question, &status))
		return true;
	state = domain_answer(&k->domain, status, &k->question.out);
	sbuf_free(&k->question.out);
	if (state != DOMAIN_ENDED && state != DOMAIN_GONE) {
		look_again(k, state);
		return true;
	}
	drain(k);
	k->taken_away = state == DOMAIN_GONE && !k->ended;
	return false;
}

static void watch_shutdown(struct keeper *k)
{
	int status;

	if (k->shutdown.pid == 0 || !job_step(&k->shutdown, &status))
		return;
	if (status != 0) {
		char *line = last_line(&k->shutdown.out);

		warnx("xl shutdown fails: %s", line);
		free(line);
	}
	sbuf_free(&k->shutdown.out);
}

static void earlier(int64_t *at, int64_t than)
{
	if (than < *at)
		*at = than;
}

/* For poll(2): until something is to be done that no descriptor tells. */
static int wait_ms(const struct keeper *k)
{
	int64_t at = k->question.pid == 0 ? k->look_at : k->question.step_at, left;

	if (k->shutdown.pid != 0)
		earlier(&at, k->shutdown.step_at);
	left = at - clock_ms();
	return at == INT64_MAX ? -1 : left < 0 ? 0 : (int)left;
}

/* Between the guest and its console's reader.  Returns false at the end of either. */
static bool pass_console(struct keeper *k, short tty, short console)
{
	ssize_t n;

	if (tty & (POLLIN | POLLHUP | POLLERR))
		read_tty(k);
	if (k->tty != -1 && (tty & POLLOUT))
		pass_on(k->tty, k->in, &k->inlen);
	if (k->ended)
		return false;
	if (console & POLLOUT)
		pass_on(k->run->console_fd, k->out, &k->outlen);
	if (!(console & (POLLIN | POLLHUP)))
		return true;
	n = recv(k->run->console_fd, k->in, sizeof(k->in), MSG_DONTWAIT);
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		return false;
	k->inlen = n > 0 ? (size_t)n : 0;
	return true;
}

enum { P_QMP, P_CONSOLE, P_TTY, P_WATCH, P_FORWARD, P_QUESTION, P_SHUTDOWN, P_N };

/* Returns false when the domain is to be destroyed. */
static bool wait_once(struct keeper *k)
{
	struct pollfd p[P_N];

	for (int i = 0; i < P_N; i++)
		p[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	p[P_QMP].fd = k->run->qmp_fd;
	p[P_CONSOLE] = (struct pollfd){.fd = k->run->console_fd,
	    .events = (short)((k->inlen == 0 ? POLLIN : 0) | (k->outlen > 0 ? POLLOUT : 0))};
	p[P_TTY] = (struct pollfd){.fd = k->tty,
	    .events = (short)((k->outlen < sizeof(k->out) / 2 ? POLLIN : 0) |
			      (k->inlen > 0 ? POLLOUT : 0))};
	if (p[P_TTY].events == 0)
		p[P_TTY].fd = -1; /* its end would be an event */
	p[P_WATCH].fd = k->watch;
	p[P_FORWARD].fd = k->forwarder ? forward_fd(k->forwarder) : -1;
	p[P_QUESTION].fd = k->question.pid != 0 ? k->question.fd : -1;
	p[P_SHUTDOWN].fd = k->shutdown.pid != 0 ? k->shutdown.fd : -1;
	if (poll(p, P_N, wait_ms(k)) == -1)
		return errno == EINTR;
	if (!pass_console(k, p[P_TTY].revents, p[P_CONSOLE].revents))
		return false;
	if (p[P_FORWARD].revents != 0)
		forward_work(k->forwarder);
	if (p[P_WATCH].revents != 0) {
		char names[256];

		if (read(k->watch, names, sizeof(names)) <= 0)
			k->watch = -1; /* xenstored is gone, or there is no watching here */
		k->look_at = clock_ms() + LOOK_AFTER_MS;
	}
	if (p[P_QMP].revents != 0 && !obey(k))
		return false;
	watch_shutdown(k);
	return watch_domain(k);
}

/* Not ignored: what we run would inherit that. */
static void nothing(int sig)
{
	(void)sig;
}

void run_domain_lost(struct run *r)
{
	struct domain d = {.run = r};

	if (domain_destroy(&d))
		return;
	if (d.id != 0)
		warnx("the domain may still be there: xl destroy %u", d.id);
	else
		warnx("the domain may still be there: xl list -v has its number, by its UUID %s",
		    r->xen.uuid);
}

void run_domain(struct run *r)
{
	struct keeper k = {.run = r, .domain.run = r, .tty = -1, .watch = -1, .look_at = INT64_MAX};
	struct sbuf stored = {0};

	kiln_failure = 1; /* which tells that the machine did not start */
	k.mark = xasprintf("\033_kiln:%s ", r->xen.token);
	for (int s = SIGHUP; s <= SIGTERM; s++)
		if (s == SIGHUP || s == SIGINT || s == SIGTERM || s == SIGPIPE)
			signal(s, nothing);
	create(&k, &stored);
	store_document(&k, &stored);
	open_console(&k);
	if (r->xen.link)
		raise_link(&k);
	start_forwarding(&k);
	MUST(&k, "xl", "unpause", k.id);
	start_watch(&k);
	say(&k, "kiln: input\n"); /* the ring keeps what comes before anybody listens */
	while (wait_once(&k))
		continue;
	flush_out(&k);
	if (k.watcher > 0)
		kill(k.watcher, SIGKILL);
	if (k.taken_away)
		_exit(RUN_DOMAIN_AWAY);
	_exit(domain_destroy(&k.domain) ? 0 : 1);
}
