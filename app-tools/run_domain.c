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
 * Exit status 0 says that the domain is gone; after any other end run_guest.c has
 * run_domain_lost() look for it.
 */
#include "forward.h"
#include "kiln.h"
#include "run.h"

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
#include <time.h>
#include <unistd.h>

#define TTY_WAIT_MS 10000 /* for xenconsoled to see the domain */
#define QUIET_MS    500	  /* a dead domain's console that says nothing for so long is at its end */
#define LOOK_AFTER_MS                                                                              \
	300 /* from a domain's end to the question which: its last word saves asking */
#define WORD_MAX   40
#define ASK_AGAIN  5	  /* so often, if xl does not answer */
#define ASK_PAUSE  200000 /* us between */
#define RETRY_MS   1000	  /* the same while the guest runs */
#define ASK_WARN   3	  /* so many questions without an answer are worth a message */
#define WORD_STATE 2	  /* in a line of xl list, words before the UUID: state, time */
#define WORD_ID	   5	  /* number, memory, processors, state, time */

/* What xl knows of our domain. */
enum state { RUNS, ENDED, GONE, UNKNOWN };

struct keeper {
	struct run *run;
	unsigned domid;	     /* 0: not known */
	char *id;	     /* the same, for xl */
	unsigned unanswered; /* questions, since the last answer */
	int tty, watch;
	pid_t watcher;
	struct forwarder *forwarder;
	int64_t look_at; /* ms of now(); INT64_MAX: never */
	bool dead;	 /* nothing more happens in the domain */

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

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------- tools */

/* Its exit status; what it prints to *out, or else into the void. */
static int tool(const struct keeper *k, struct sbuf *out, const char *const argv[])
{
	struct sbuf own = {0}, *o = out ? out : &own;
	struct strlist cmd = {0};
	int status;

	for (const char *const *a = argv; *a != NULL; a++)
		strlist_add(&cmd, *a);
	if (k->run->verbose) {
		strlist_shell(&cmd, &own);
		fprintf(stderr, "%s\n", own.s);
		own.len = 0;
	}
	status = run_tool(cmd.v, o);
	sbuf_free(&own);
	return status;
}
#define TOOL(k, out, ...) tool(k, out, (const char *const[]){__VA_ARGS__, NULL})

/* The last line that a tool printed, which may have had something to say before. */
static char *last_line(struct sbuf *s)
{
	char *nl;

	if (s->s == NULL)
		return xstrdup("");
	while (s->len > 0 && s->s[s->len - 1] == '\n')
		s->s[--s->len] = '\0';
	nl = strrchr(s->s, '\n');
	return xstrdup(nl ? nl + 1 : s->s);
}

/*
 * Is the line that of our domain?  Its words are Name ID Mem VCPUs State Time UUID and more; a name
 * may have spaces.  "s", "c" or "d" among the state's letters are an end.
 */
static bool our_line(struct keeper *k, const char *line, enum state *state)
{
	struct strlist words = {0};
	bool ours = false;

	strlist_split(&words, line, " \t");
	for (size_t i = WORD_ID + 1; i < words.n && !ours; i++) {
		if (strcmp(words.v[i], k->run->xen.uuid) != 0 ||
		    spec_number(words.v[i - WORD_ID], 1, 65535, &k->domid) != NULL)
			continue;
		ours = true;
		*state = strpbrk(words.v[i - WORD_STATE], "scd") != NULL ? ENDED : RUNS;
	}
	strlist_free(&words);
	return ours;
}

/* Ask for all domains: that ours is not among them is an answer, an error of xl's is none. */
static enum state look(struct keeper *k)
{
	enum state state = GONE;
	struct sbuf out = {0};
	char *line, *rest;

	if (TOOL(k, &out, "xl", "list", "-v") != 0) {
		if (++k->unanswered == ASK_WARN) {
			line = last_line(&out);
			warnx("xl list fails, and is tried again: %s", line);
			free(line);
		}
		sbuf_free(&out);
		return UNKNOWN;
	}
	k->unanswered = 0;
	rest = out.s;
	while (rest != NULL && (line = strsep(&rest, "\n")) != NULL)
		if (our_line(k, line, &state))
			break;
	sbuf_free(&out);
	return state;
}

/* The same, with some patience. */
static enum state find(struct keeper *k)
{
	enum state state = look(k);

	for (int i = 1; i < ASK_AGAIN && state == UNKNOWN; i++) {
		usleep(ASK_PAUSE);
		state = look(k);
	}
	return state;
}

static bool destroyed(struct keeper *k)
{
	char *id;
	int status;

	if (k->domid == 0)
		return false;
	id = xasprintf("%u", k->domid);
	status = TOOL(k, NULL, "xl", "destroy", id);
	free(id);
	return status == 0;
}

/* Whatever there is of our domain must go, and nobody else's.  Returns false if it may be there
 * still. */
static bool destroy(struct keeper *k)
{
	if (k->watcher > 0)
		kill(k->watcher, SIGKILL);
	for (int i = 0; i < ASK_AGAIN; i++)
		if (destroyed(k) || find(k) == GONE)
			return true;
	return false;
}

/* Like tool(), but its failure is the end. */
static void must(struct keeper *k, const char *const argv[])
{
	struct sbuf out = {0};
	int status = tool(k, &out, argv);

	if (status != 0) {
		fwrite(out.s, 1, out.len, stderr);
		warnx("%s %s failed", argv[0], argv[1]);
		destroy(k);
		_exit(1);
	}
	sbuf_free(&out);
}
#define MUST(k, ...) must(k, (const char *const[]){__VA_ARGS__, NULL})

/* ------------------------------------------------------------------- start */

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
	if (find(k) != RUNS) {
		warnx(
		    "xl list does not have the domain %s, %s", k->run->xen.name, k->run->xen.uuid);
		destroy(k);
		_exit(1);
	}
	k->id = xasprintf("%u", k->domid);
}

/* xenstore-write takes backslashes for the beginning of something. */
static void store_document(struct keeper *k, const struct sbuf *doc)
{
	for (size_t at = 0, part = 0; at < doc->len; at += RUN_XEN_PART, part++) {
		char *path = xasprintf("/local/domain/%u/data/kiln/%zu", k->domid, part);
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
	char *vif = xasprintf("vif%u.0", k->domid);
	char *path = xasprintf("/local/domain/0/backend/vif/%u/0/hotplug-status", k->domid);

	MUST(k, "ip", "address", "add", k->run->xen.host, "dev", vif);
	MUST(k, "ip", "link", "set", vif, "up");
	MUST(k, "xenstore-write", path, "connected");
	free(vif);
	free(path);
}

static void open_console(struct keeper *k)
{
	char *path = xasprintf("/local/domain/%u/console/tty", k->domid);
	int64_t until = now() + TTY_WAIT_MS;
	struct termios t;

	while (k->tty == -1) {
		struct sbuf out = {0};

		if (TOOL(k, &out, "xenstore-read", path) == 0) {
			char *line = last_line(&out);

			if (*line == '/')
				k->tty = open(line, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
			free(line);
		}
		sbuf_free(&out);
		if (k->tty == -1 && now() > until) {
			warnx("the domain has no console: xenconsoled does not run");
			destroy(k);
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
		k->look_at = now();
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
		k->look_at = now();
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
	if (strstr(text, "\"system_powerdown\"") != NULL)
		TOOL(k, NULL, "xl", "shutdown", k->id);
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
	k->dead = true;
}

enum { P_QMP, P_CONSOLE, P_TTY, P_WATCH, P_FORWARD, P_N };

/* Returns false when the domain is to be destroyed. */
static bool wait_once(struct keeper *k)
{
	struct pollfd p[P_N];
	int64_t left = k->look_at == INT64_MAX ? -1 : k->look_at - now();

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
	if (poll(p, P_N, left > 0 ? (int)left : left < 0 && k->look_at == INT64_MAX ? -1 : 0) == -1)
		return errno == EINTR;
	if (p[P_TTY].revents & (POLLIN | POLLHUP | POLLERR))
		read_tty(k);
	if (k->tty != -1 && (p[P_TTY].revents & POLLOUT))
		pass_on(k->tty, k->in, &k->inlen);
	if (k->ended)
		return false;
	if (p[P_CONSOLE].revents & POLLOUT)
		pass_on(k->run->console_fd, k->out, &k->outlen);
	if (p[P_CONSOLE].revents & (POLLIN | POLLHUP)) {
		ssize_t n = recv(k->run->console_fd, k->in, sizeof(k->in), MSG_DONTWAIT);

		if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
			return false;
		k->inlen = n > 0 ? (size_t)n : 0;
	}
	if (p[P_FORWARD].revents != 0)
		forward_work(k->forwarder);
	if (p[P_WATCH].revents != 0) {
		char names[256];

		if (read(k->watch, names, sizeof(names)) <= 0)
			k->watch = -1; /* xenstored is gone, or there is no watching here */
		k->look_at = now() + LOOK_AFTER_MS;
	}
	if (p[P_QMP].revents != 0 && !obey(k))
		return false;
	if (now() >= k->look_at) {
		/* Without anybody to tell us we have to look from time to time. */
		enum state state = look(k);

		k->look_at = k->watch == -1 || state == UNKNOWN ? now() + RETRY_MS : INT64_MAX;
		if (state == ENDED || state == GONE) {
			drain(k);
			return false;
		}
	}
	return true;
}

/* Not ignored: what we run would inherit that. */
static void nothing(int sig)
{
	(void)sig;
}

void run_domain_lost(struct run *r)
{
	struct keeper k = {.run = r};

	if (!destroy(&k))
		warnx("the domain may still be there: xl destroy %s", r->xen.name);
}

void run_domain(struct run *r)
{
	struct keeper k = {.run = r, .tty = -1, .watch = -1, .look_at = INT64_MAX};
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
	_exit(destroy(&k) ? 0 : 1);
}
