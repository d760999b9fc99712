/* SPDX-License-Identifier: BSD-2-Clause */
#include "util.h"
#include "kiln.h"

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void usage_error(int status, const char *what)
{
	if (what != NULL)
		warnx("%s", what);
	fprintf(stderr, "see `%s --help'\n", program_invocation_short_name);
	exit(status);
}

/* ------------------------------------------------------- memory and strings */

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (p == NULL)
		err(kiln_failure, NULL);
	return p;
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n ? n : 1, size);
	if (p == NULL)
		err(kiln_failure, NULL);
	return p;
}

char *xstrdup(const char *s)
{
	char *p = strdup(s);

	if (p == NULL)
		err(kiln_failure, NULL);
	return p;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) == -1)
		err(kiln_failure, NULL);
	va_end(ap);
	return s;
}

void *grow(void *array, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return array;
	return xreallocarray(array, n ? 2 * n : 1, size);
}

void sbuf_add(struct sbuf *b, const void *data, size_t len)
{
	if (b->cap - b->len <= len || b->s == NULL) {
		b->cap = 2 * b->cap + len + 64;
		b->s = xreallocarray(b->s, b->cap, 1);
	}
	if (len > 0)
		memcpy(b->s + b->len, data, len);
	b->len += len;
	b->s[b->len] = '\0';
}

void sbuf_puts(struct sbuf *b, const char *s)
{
	sbuf_add(b, s, strlen(s));
}

void sbuf_printf(struct sbuf *b, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n == -1)
		err(kiln_failure, NULL);
	sbuf_add(b, s, (size_t)n);
	free(s);
}

/* Length of the UTF-8 sequence at s, 0 if it is not one (RFC 3629). */
static size_t utf8_len(const unsigned char *s)
{
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

void sbuf_json(struct sbuf *b, const char *s)
{
	size_t n;

	sbuf_puts(b, "\"");
	for (; *s != '\0'; s += n) {
		n = utf8_len((const unsigned char *)s);
		if (n == 0) {
			sbuf_puts(b, "\\ufffd");
			n = 1;
		} else if (*s == '"' || *s == '\\') {
			sbuf_printf(b, "\\%c", *s);
		} else if ((unsigned char)*s < 0x20 || *s == 0x7f) {
			sbuf_printf(b, "\\u%04x", *s);
		} else {
			sbuf_add(b, s, n);
		}
	}
	sbuf_puts(b, "\"");
}

void sbuf_shell(struct sbuf *b, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-./=:,+@%";

	if (*s != '\0' && s[strspn(s, plain)] == '\0') {
		sbuf_puts(b, s);
		return;
	}
	sbuf_puts(b, "'");
	for (; *s != '\0'; s++)
		if (*s == '\'')
			sbuf_puts(b, "'\\''");
		else
			sbuf_add(b, s, 1);
	sbuf_puts(b, "'");
}

void sbuf_free(struct sbuf *b)
{
	free(b->s);
	*b = (struct sbuf){0};
}

static void strlist_take(struct strlist *l, char *s)
{
	l->v = xreallocarray(l->v, l->n + 2, sizeof(*l->v));
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

void strlist_add(struct strlist *l, const char *s)
{
	strlist_take(l, xstrdup(s));
}

void strlist_printf(struct strlist *l, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) == -1)
		err(kiln_failure, NULL);
	va_end(ap);
	strlist_take(l, s);
}

void strlist_setenv(struct strlist *l, const char *s)
{
	size_t len = (size_t)(strchr(s, '=') - s) + 1;

	for (size_t i = 0; i < l->n; i++)
		if (strncmp(l->v[i], s, len) == 0) {
			free(l->v[i]);
			l->v[i] = xstrdup(s);
			return;
		}
	strlist_add(l, s);
}

bool strlist_has(const struct strlist *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return true;
	return false;
}

void strlist_shell(const struct strlist *l, struct sbuf *out)
{
	sbuf_puts(out, "");
	for (size_t i = 0; i < l->n; i++) {
		sbuf_puts(out, i ? " " : "");
		sbuf_shell(out, l->v[i]);
	}
}

void strlist_json(const struct strlist *l, const char *between, struct sbuf *out)
{
	sbuf_puts(out, "[");
	for (size_t i = 0; i < l->n; i++) {
		sbuf_puts(out, i ? between : "");
		sbuf_json(out, l->v[i]);
	}
	sbuf_puts(out, "]");
}

void strlist_json_env(const struct strlist *l, struct sbuf *out)
{
	sbuf_puts(out, "{");
	for (size_t i = 0; i < l->n; i++) {
		char *name = xstrdup(l->v[i]), *eq = strchr(name, '=');

		*eq = '\0';
		sbuf_puts(out, i ? "," : "");
		sbuf_json(out, name);
		sbuf_puts(out, ":");
		sbuf_json(out, eq + 1);
		free(name);
	}
	sbuf_puts(out, "}");
}

void strlist_free(struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strlist){0};
}

void strlist_split(struct strlist *l, const char *s, const char *sep)
{
	char *copy = xstrdup(s), *rest = copy, *word;

	while ((word = strsep(&rest, sep)) != NULL)
		if (*word != '\0')
			strlist_add(l, word);
	free(copy);
}

/* ------------------------------------------------------------------- files */

bool read_file(const char *path, struct sbuf *into)
{
	char buf[16384];
	ssize_t n;
	int fd, e;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	sbuf_add(into, "", 0);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		sbuf_add(into, buf, (size_t)n);
	e = errno;
	close(fd);
	errno = e;
	return n == 0;
}

void write_file(const char *path, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd == -1)
		err(kiln_failure, "%s", path);
	for (; len > 0; p += n, len -= (size_t)n) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			err(kiln_failure, "%s", path);
	}
	if (close(fd) == -1)
		err(kiln_failure, "%s", path);
}

void sha256_hex(const void *data, size_t len, char hex[65])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n;

	if (EVP_Digest(data, len, md, &n, EVP_sha256(), NULL) != 1)
		errx(kiln_failure, "libcrypto has no SHA-256");
	for (unsigned i = 0; i < n && i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
}

const void *map_file(const char *path, size_t *len)
{
	const void *p = NULL;
	struct stat st;
	int fd, e;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == 0) {
		*len = (size_t)st.st_size;
		if (S_ISDIR(st.st_mode))
			errno = EISDIR;
		else if (st.st_size == 0)
			p = "";
		else
			p = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			p = NULL;
	}
	e = errno;
	close(fd);
	errno = e;
	return p;
}

const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * The scratch directory and the names in it.  Fixed storage, because a signal
 * handler walks it; the pid keeps a forked child from removing anything.
 */
#define SCRATCH_MAX 64
static char scratch_dir[512];
static char scratch_file[SCRATCH_MAX][600];
static volatile sig_atomic_t scratch_n;
static pid_t scratch_owner;

void scratch_close(void)
{
	if (scratch_owner != getpid())
		return;
	scratch_owner = 0;
	for (int i = 0; i < scratch_n; i++)
		unlink(scratch_file[i]);
	rmdir(scratch_dir);
}

static void scratch_signal(int sig)
{
	scratch_close();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Whose directory .kiln.PID.XXXXXX is: 0 if the name is none of ours. */
static pid_t scratch_pid(const char *name)
{
	long pid;
	char *end;

	if (strncmp(name, ".kiln.", 6) != 0 || !isdigit((unsigned char)name[6]))
		return 0;
	pid = strtol(name + 6, &end, 10);
	return *end == '.' && pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

/*
 * Remove a scratch directory of ours whose owner was killed.  The lock, which ends with
 * its owner, tells one that lives in another process name space.
 */
static void remove_stale(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *e;
	struct stat st;
	DIR *d;

	if (fd == -1)
		return;
	if (fstat(fd, &st) == -1 || st.st_uid != geteuid() || flock(fd, LOCK_EX | LOCK_NB) == -1 ||
	    (d = fdopendir(fd)) == NULL) {
		close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		unlinkat(fd, e->d_name, 0); /* there are only files */
	unlinkat(parent, name, AT_REMOVEDIR);
	closedir(d);
}

static void scratch_sweep(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	pid_t pid;

	while (d != NULL && (e = readdir(d)) != NULL) {
		pid = scratch_pid(e->d_name);
		if (pid != 0 && kill(pid, 0) == -1 && errno == ESRCH)
			remove_stale(dirfd(d), e->d_name);
	}
	if (d != NULL)
		closedir(d);
}

void scratch_open(const char *output)
{
	int dirlen = (int)(base_name(output) - output), fd;
	static const int sigs[] = {SIGINT, SIGTERM, SIGHUP};
	char *dir = dirlen > 0 ? xasprintf("%.*s", dirlen, output) : xstrdup("./");

	scratch_sweep(dir);
	if (snprintf(scratch_dir, sizeof(scratch_dir), "%s.kiln.%d.XXXXXX", dirlen > 0 ? dir : "",
		(int)getpid()) >= (int)sizeof(scratch_dir))
		errx(kiln_failure, "%s: path too long", output);
	if (mkdtemp(scratch_dir) == NULL)
		err(kiln_failure, "cannot write into directory %s", dir);
	free(dir);
	fd = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1)
		flock(fd, LOCK_EX); /* until we end; see remove_stale() */
	scratch_owner = getpid();
	atexit(scratch_close);
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		signal(sigs[i], scratch_signal);
}

const char *scratch_path(const char *name)
{
	int n = scratch_n;

	if (n == SCRATCH_MAX)
		errx(kiln_failure, "too many scratch files");
	snprintf(scratch_file[n], sizeof(scratch_file[n]), "%s/%s", scratch_dir, name);
	scratch_n = n + 1;
	return scratch_file[n];
}

/* --------------------------------------------------------------- processes */

char *find_program(const char *name)
{
	struct strlist dirs = {0};
	const char *path = getenv("PATH");
	char *full;

	if (strchr(name, '/') != NULL)
		return access(name, X_OK) == 0 ? xstrdup(name) : NULL;
	/* mkfs tools live in sbin, which is not in every user's PATH. */
	strlist_split(&dirs, path ? path : "/usr/bin:/bin", ":");
	strlist_add(&dirs, "/usr/sbin");
	strlist_add(&dirs, "/sbin");
	for (size_t i = 0; i < dirs.n; i++) {
		full = xasprintf("%s/%s", dirs.v[i], name);
		if (access(full, X_OK) == 0)
			return full;
		free(full);
	}
	return NULL;
}

pid_t start_tool(char *const argv[], int out)
{
	char *full = find_program(argv[0]);
	sigset_t none;
	pid_t pid;

	if (full == NULL) {
		errno = ENOENT;
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		if (out != -1 && (dup2(out, 1) == -1 || dup2(out, 2) == -1))
			_exit(127);
		signal(SIGPIPE, SIG_DFL);
		signal(SIGTTIN, SIG_DFL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execv(full, argv);
		_exit(127);
	}
	free(full);
	return pid;
}

int tool_status(int wstatus)
{
	return WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : 128 + WTERMSIG(wstatus);
}

int run_tool(char *const argv[], struct sbuf *out)
{
	int fd[2] = {-1, -1}, status, error;
	char buf[4096];
	ssize_t n;
	pid_t pid;

	if (out != NULL && pipe2(fd, O_CLOEXEC) == -1)
		return -1;
	pid = start_tool(argv, fd[1]);
	error = errno;
	if (out != NULL) {
		close(fd[1]);
		while (pid != -1 &&
		       ((n = read(fd[0], buf, sizeof(buf))) > 0 || (n == -1 && errno == EINTR)))
			if (n > 0)
				sbuf_add(out, buf, (size_t)n);
		close(fd[0]);
	}
	errno = error;
	if (pid == -1)
		return -1;
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return tool_status(status);
}

char *tool_version(const char *tool, const char *option)
{
	char *argv[] = {(char *)tool, (char *)option, NULL};
	struct sbuf out = {0};

	run_tool(argv, &out);
	if (out.s == NULL || *out.s == '\n')
		sbuf_puts(&out, "unknown");
	out.s[strcspn(out.s, "\n")] = '\0';
	return out.s;
}

const char *lib_dir(void)
{
	static char *dir;
	char exe[4096];
	ssize_t n;

	if (dir != NULL)
		return dir;
	if (getenv("KILN_LIB") != NULL)
		return dir = xstrdup(getenv("KILN_LIB"));
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n == -1)
		err(kiln_failure, "/proc/self/exe (set KILN_LIB to say where lib/kiln is)");
	exe[n] = '\0';
	*strrchr(exe, '/') = '\0';
	dir = xasprintf("%s/../lib/kiln", exe);
	return dir;
}
