/* SPDX-License-Identifier: BSD-2-Clause */
#include "cross.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *kiln_dir, *tool_name;

void die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%s: ", tool_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		die("out of memory");
	va_end(ap);
	return s;
}

void args_add(struct args *a, const char *s)
{
	if (a->n + 1 >= a->room) {
		a->room = a->room ? 2 * a->room : 64;
		a->v = realloc(a->v, a->room * sizeof(*a->v));
		if (a->v == NULL)
			die("out of memory");
	}
	a->v[a->n++] = (char *)s;
	a->v[a->n] = NULL;
}

void args_addf(struct args *a, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		die("out of memory");
	va_end(ap);
	args_add(a, s);
}

void run(struct args *a)
{
	execvp(a->v[0], a->v);
	die("cannot run %s: %s", a->v[0], strerror(errno));
}

int run_wait(struct args *a)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0)
		run(a);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* bin/cross-cc has its files in ../lib/kiln, installed or in the build tree. */
static void find_kiln_dir(void)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n < 0)
		die("/proc/self/exe: %s", strerror(errno));
	exe[n] = '\0';
	for (int up = 0; up < 2; up++)
		if ((slash = strrchr(exe, '/')) != NULL)
			*slash = '\0';
	kiln_dir = xasprintf("%s/lib/kiln", exe);
	if (access(kiln_dir, R_OK) != 0)
		die("%s: %s (is the installation complete?)", kiln_dir, strerror(errno));
}

static int plain(const char *host, int argc, char **argv)
{
	struct args a = {0};

	args_add(&a, host);
	for (int i = 1; i < argc; i++)
		args_add(&a, argv[i]);
	run(&a);
}

void no_cxx(void)
{
	die("C++ is not supported yet: there is no C++ runtime for Kiln; only C programs can be "
	    "built");
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];

	tool_name = name;
	find_kiln_dir();
	if (strncmp(name, "cross-", 6) == 0)
		name += 6;
	else if (strncmp(name, TRIPLET "-", sizeof(TRIPLET)) == 0)
		name += sizeof(TRIPLET);
	if (strcmp(name, "cc") == 0 || strcmp(name, "gcc") == 0)
		return cross_cc(argc, argv);
	if (strcmp(name, "c++") == 0 || strcmp(name, "g++") == 0)
		no_cxx();
	if (strcmp(name, "ld") == 0)
		return cross_ld(argc, argv);
	if (strcmp(name, "strip") == 0)
		return cross_strip(argc, argv);
	if (strcmp(name, "pkg-config") == 0)
		return cross_pkg_config(argc, argv);
	if (strcmp(name, "ar") == 0 || strcmp(name, "ranlib") == 0 || strcmp(name, "nm") == 0 ||
	    strcmp(name, "objcopy") == 0 || strcmp(name, "objdump") == 0 ||
	    strcmp(name, "readelf") == 0 || strcmp(name, "size") == 0 || strcmp(name, "as") == 0 ||
	    strcmp(name, "strings") == 0)
		return plain(name, argc, argv);
	die("called by a name that is none of cc c++ ld ar ranlib nm strip objcopy pkg-config");
}
