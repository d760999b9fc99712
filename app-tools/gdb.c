/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kiln gdb: start gdb as an image of ours needs it, on a core or on a guest that `kiln run --gdb'
 * has started, with the commands of kiln.py.
 */
#include "image.h"
#include "kiln.h"
#include "spec.h"
#include "symbols.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_PORT 1234

static void usage(void)
{
	printf(
	    "usage: kiln gdb [option ...] IMAGE [CORE] [-- argument of gdb ...]\n\n"
	    "Opens CORE, which `kiln run --core' has written, or without it connects to a guest\n"
	    "of `kiln run --gdb' that runs already.\n\n"
	    "  -p, --port PORT   where that guest is (default 1234)\n"
	    "      --pid PID     a hosted image that runs, instead\n"
	    "      --print       print the command instead of running it\n\n"
	    "In gdb: `info lwps' lists the threads, `lwp N' shows one.  See "
	    "docs/debugging.md.\n");
}

/* The script with our commands; lib/kiln/gdb is its folder. */
static char *script(void)
{
	char *path = xasprintf("%s/gdb/kiln.py", lib_dir());

	if (access(path, R_OK) == -1)
		err(1, "%s", path);
	return path;
}

int gdb_main(int argc, char **argv)
{
	static const struct option options[] = {{"port", required_argument, NULL, 'p'},
	    {"pid", required_argument, NULL, 'i'}, {"print", no_argument, NULL, 'n'},
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	unsigned port = DEFAULT_PORT, pid = 0;
	struct strlist cmd = {0};
	struct symbols *s;
	const char *why, *bad;
	int c, end = argc;
	bool print = false;
	char *gdb;

	for (int i = 1; i < argc && end == argc; i++)
		if (strcmp(argv[i], "--") == 0)
			end = i;
	while ((c = getopt_long(end, argv, "p:h", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			if ((bad = spec_number(optarg, 1, 65535, &port)) != NULL)
				spec_fail("--port", optarg, bad);
			break;
		case 'i':
			if ((bad = spec_number(optarg, 1, 99999999, &pid)) != NULL)
				spec_fail("--pid", optarg, bad);
			break;
		case 'n':
			print = true;
			break;
		case 'h':
			usage();
			return 0;
		default:
			usage_error(2, NULL);
		}
	}
	if (optind >= end)
		usage_error(2, "which image?");
	if (optind + 2 < end)
		usage_error(2, "one core at a time; arguments of gdb come after --");
	s = symbols_open(argv[optind], &why);
	if (s == NULL)
		errx(1, "no symbols for %s: %s", argv[optind], why);
	gdb = find_program("gdb");
	if (gdb == NULL)
		errx(1, "gdb is not installed: apt-get install gdb");
	strlist_add(&cmd, gdb);
	if (optind + 1 < end) {
		if (access(argv[optind + 1], R_OK) == -1)
			err(1, "%s", argv[optind + 1]);
		strlist_add(&cmd, symbols_path(s));
		strlist_add(&cmd, argv[optind + 1]);
		strlist_add(&cmd, "-x");
		strlist_add(&cmd, script());
	} else {
		strlist_add(&cmd, "-x");
		strlist_add(&cmd, script());
		strlist_add(&cmd, "-ex");
		if (pid != 0)
			strlist_printf(&cmd, "kiln-attach 'attach %u' '%s'", pid, symbols_path(s));
		else
			strlist_printf(&cmd, "kiln-attach 'target remote 127.0.0.1:%u' '%s'", port,
			    symbols_path(s));
	}
	for (int i = end + 1; i < argc; i++)
		strlist_add(&cmd, argv[i]);
	if (print) {
		struct sbuf text = {0};

		strlist_shell(&cmd, &text);
		printf("%s\n", text.s);
		return 0;
	}
	execv(gdb, cmd.v);
	err(1, "%s", gdb);
}
