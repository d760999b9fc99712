/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cross-ld: what a link of a program means for Kiln.
 *
 *  1. A real link, as strict as any, against libc and a library that
 *     pretends to have all system calls.  Its output is thrown away: it is there
 *     for its errors, which configure scripts live on.
 *  2. A relocatable link (ld -r) of the same files: the unbaked program.  It takes in
 *     libc's and other archives' members, keeps sections apart so that
 *     bake can discard, and leaves the system calls undefined.
 *
 * While a configure script runs (KILN_CONFIGURE is set), step 1 links against
 * libkilnhost.a instead, whose system calls are the build machine's, and
 * that is the result: a static Linux program with Kiln's libc, which scripts
 * can run to learn about it.
 */
#include "cross.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct link {
	struct args all;   /* every argument, for the real link */
	struct args files; /* those that matter to a relocatable link */
	const char *output;
	bool relocatable, shared, info;
};

/* Options with their value in the next argument, kept in a relocatable link. */
static const char *const kept_with_value[] = {
    "-L",
    "-l",
    "-u",
    "--undefined",
    "--defsym",
    "--wrap",
    "--require-defined",
};

/* The same that only a real link understands. */
static const char *const with_value[] = {
    "-m",
    "-z",
    "-h",
    "-soname",
    "--soname",
    "-rpath",
    "--rpath",
    "-rpath-link",
    "--rpath-link",
    "-dynamic-linker",
    "--dynamic-linker",
    "-I",
    "-Map",
    "-T",
    "--script",
    "-e",
    "--entry",
    "-a",
    "-f",
    "-F",
    "--version-script",
    "--dynamic-list",
    "-plugin",
    "-G",
    "-R",
    "-y",
    "-Y",
    "-A",
    "--image-base",
    "-Ttext",
    "-Tdata",
    "-Tbss",
    "-init",
    "-fini",
};

/* Options without a value (or with it attached) that a relocatable link keeps. */
static const char *const kept_prefix[] = {
    "-L",
    "-l",
    "-u",
    "--undefined=",
    "--defsym=",
    "-defsym=",
    "--wrap=",
    "-wrap=",
    "-wrap,",
    "--require-defined=",
    "--start-group",
    "--end-group",
    "-(",
    "-)",
    "--whole-archive",
    "--no-whole-archive",
    "-whole-archive",
    "-no-whole-archive",
    "--library=",
    "--library-path=",
    "--allow-multiple-definition",
    "-Bstatic",
    "-Bdynamic",
    "--push-state",
    "--pop-state",
};

#define IN(list, s)	   in_list(list, sizeof(list) / sizeof((list)[0]), s, false)
#define IN_PREFIX(list, s) in_list(list, sizeof(list) / sizeof((list)[0]), s, true)

static bool in_list(const char *const *list, size_t n, const char *s, bool prefix)
{
	for (size_t i = 0; i < n; i++)
		if (prefix ? strncmp(s, list[i], strlen(list[i])) == 0 : strcmp(s, list[i]) == 0)
			return true;
	return false;
}

/* How a program is linked is decided here, not by it. */
static bool is_overridden(const char *s)
{
	return strcmp(s, "-pie") == 0 || strcmp(s, "--pic-executable") == 0 ||
	       strcmp(s, "-no-pie") == 0 || strcmp(s, "-static") == 0 ||
	       strcmp(s, "-Bdynamic") == 0 || strcmp(s, "-dn") == 0 || strcmp(s, "-dy") == 0 ||
	       strcmp(s, "-export-dynamic") == 0 || strcmp(s, "--export-dynamic") == 0 ||
	       strcmp(s, "-E") == 0;
}

static void option(struct link *l, int argc, char **argv, int *i)
{
	const char *s = argv[*i];
	bool kept = IN(kept_with_value, s);

	if (strcmp(s, "-o") == 0 || strcmp(s, "--output") == 0) {
		if (*i + 1 < argc)
			l->output = argv[++*i];
		return;
	}
	if (strncmp(s, "--output=", 9) == 0) {
		l->output = s + 9;
		return;
	}
	if (strcmp(s, "-shared") == 0 || strcmp(s, "-Bshareable") == 0 ||
	    strcmp(s, "--shared") == 0)
		l->shared = true;
	if (strcmp(s, "-r") == 0 || strcmp(s, "-i") == 0 || strcmp(s, "--relocatable") == 0)
		l->relocatable = true;
	if (strcmp(s, "-v") == 0 || strcmp(s, "-V") == 0 || strncmp(s, "--version", 10) == 0 ||
	    strcmp(s, "--help") == 0 || strcmp(s, "--verbose") == 0)
		l->info = true;
	if (is_overridden(s))
		return;
	args_add(&l->all, s);
	if (kept || IN_PREFIX(kept_prefix, s))
		args_add(&l->files, s);
	if ((kept || IN(with_value, s)) && *i + 1 < argc) {
		args_add(&l->all, argv[++*i]);
		if (kept)
			args_add(&l->files, argv[*i]);
	}
}

/*
 * @FILE: gcc's driver hands on what it was given so.  Words are separated by
 * white space; quotes and backslashes protect, as libiberty has it.
 */
static void expand(struct args *to, const char *arg, int depth)
{
	FILE *f;
	char word[PATH_MAX];
	size_t n = 0;
	int c, quote = 0;
	bool in_word = false;

	if (arg[0] != '@' || depth > 8 || (f = fopen(arg + 1, "r")) == NULL) {
		args_add(to, arg);
		return;
	}
	do {
		c = getc(f);
		if (c == EOF || (quote == 0 && strchr(" \t\n\r\f\v", c) != NULL)) {
			if (in_word) {
				word[n] = '\0';
				expand(to, xasprintf("%s", word), depth + 1);
			}
			n = 0;
			in_word = false;
			continue;
		}
		in_word = true;
		if (quote != 0 ? c == quote : c == '\'' || c == '"') {
			quote = quote ? 0 : c;
			continue;
		}
		if (c == '\\' && (c = getc(f)) == EOF)
			c = '\\';
		if (n + 1 >= sizeof(word))
			die("%s: a word is longer than %zu bytes", arg, sizeof(word) - 1);
		word[n++] = (char)c;
	} while (c != EOF);
	fclose(f);
}

static void parse(struct link *l, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1] != '\0') {
			option(l, argc, argv, &i);
		} else {
			args_add(&l->all, argv[i]);
			args_add(&l->files, argv[i]);
		}
	}
}

static void append(struct args *to, const struct args *from)
{
	for (size_t i = 0; i < from->n; i++)
		args_add(to, from->v[i]);
}

/* The real link.  Removes its output if that is not wanted. */
static int check(const struct link *l, bool native)
{
	struct args a = {0};
	char *out = native ? xasprintf("%s", l->output) : xasprintf("%s.kiln-check", l->output);
	int status;

	args_add(&a, "ld");
	args_add(&a, "-nostdlib"); /* the host's directories are built into ld */
	args_add(&a, "-static");
	/* Hosts run it where it was linked; an image is position-independent. */
	if (!native) {
		args_add(&a, "-pie");
		args_add(&a, "--no-dynamic-linker");
		args_add(&a, "-z");
		args_add(&a, "notext");
	}
	args_add(&a, "-o");
	args_add(&a, out);
	append(&a, &l->all);
	args_addf(&a, "%s/sysroot/lib/%s", kiln_dir, native ? "libkilnhost.a" : "libkilncheck.a");
	status = run_wait(&a);
	if (!native || status != 0)
		unlink(out);
	return status;
}

static int relocatable(const struct link *l)
{
	static const char *const unique[] = {".text.*", ".rodata.*", ".data.*", ".bss.*"};
	struct args a = {0};
	struct stat st;
	int status;

	args_add(&a, "ld");
	args_add(&a, "-nostdlib");
	args_add(&a, "-r");
	args_add(&a, "-d"); /* space for common symbols now */
	for (size_t i = 0; i < sizeof(unique) / sizeof(unique[0]); i++)
		args_addf(&a, "--unique=%s", unique[i]);
	args_add(&a, "-o");
	args_add(&a, l->output);
	append(&a, &l->files);
	args_addf(&a, "%s/sysroot/lib/unbaked.o", kiln_dir);
	status = run_wait(&a);
	if (status != 0) {
		unlink(l->output);
		return status;
	}
	/* Makefiles and install(1) expect a program to be executable. */
	if (stat(l->output, &st) == 0)
		chmod(l->output, st.st_mode | ((st.st_mode & 0444) >> 2));
	return 0;
}

int cross_ld(int argc, char **argv)
{
	struct link l = {.output = "a.out"};
	struct args expanded = {0};
	bool native = getenv(ENV_CONFIGURE) != NULL;
	int status;

	for (int i = 0; i < argc; i++)
		expand(&expanded, argv[i], 0);
	parse(&l, (int)expanded.n, expanded.v);
	if (l.shared)
		die("a shared library cannot be made: a Kiln image is one static program "
		    "(configure it with --disable-shared)");
	if (l.relocatable || (l.info && l.files.n == 0)) {
		argv[0] = "ld";
		execvp("ld", argv);
		die("cannot run ld: %s", strerror(errno));
	}
	status = check(&l, native);
	if (status != 0 || native)
		return status;
	return relocatable(&l);
}

/*
 * Of an unbaked program only what debuggers read may go: relocations need the
 * symbols, and the baked image's backtraces their names.
 */
int cross_strip(int argc, char **argv)
{
	struct args a = {0};

	args_add(&a, "strip");
	args_add(&a, "--strip-debug");
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-s") == 0 || strcmp(argv[i], "--strip-all") == 0 ||
		    strcmp(argv[i], "--strip-unneeded") == 0 || strcmp(argv[i], "-x") == 0 ||
		    strcmp(argv[i], "--discard-all") == 0)
			continue;
		args_add(&a, argv[i]);
	}
	run(&a);
}

/* Libraries of the sysroot and of PKG_CONFIG_PATH, never the host's. */
int cross_pkg_config(int argc, char **argv)
{
	struct args a = {0};
	char *libdir =
	    xasprintf("%s/sysroot/lib/pkgconfig:%s/sysroot/share/pkgconfig", kiln_dir, kiln_dir);

	if (setenv("PKG_CONFIG_LIBDIR", libdir, 1) != 0)
		die("out of memory");
	args_add(&a, "pkg-config");
	args_add(&a, "--static");
	for (int i = 1; i < argc; i++)
		args_add(&a, argv[i]);
	run(&a);
}
