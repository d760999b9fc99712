/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kiln symbolize: copy a log, adding names to the addresses in crash messages.
 */
#include "kiln.h"
#include "symbols.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void usage(void)
{
	printf("usage: kiln symbolize [IMAGE] < LOG\n\n"
	       "IMAGE may be left out if one image with its IMAGE.debug is in the current "
	       "directory.\n");
}

static const char *only_image(void)
{
	glob_t g;

	if (glob("*.debug", 0, NULL, &g) != 0 || g.gl_pathc == 0)
		errx(1, "which image? there is no *.debug in this directory");
	if (g.gl_pathc > 1)
		errx(1, "which image? there are %s, %s%s", g.gl_pathv[0], g.gl_pathv[1],
		    g.gl_pathc > 2 ? " ..." : "");
	return g.gl_pathv[0];
}

static void put(void *arg, const char *line, size_t len)
{
	fwrite(line, 1, len, stdout);
}

int symbolize_main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct symbolizer z = {.emit = put, .pass = put};
	const char *image, *why;
	char buf[8192];
	ssize_t n;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c != 'h')
			usage_error(2, NULL);
		usage();
		return 0;
	}
	if (optind + 1 < argc)
		usage_error(2, "one image at a time");
	image = optind < argc ? argv[optind] : only_image();
	z.symbols = symbols_open(image, &why);
	if (z.symbols == NULL)
		errx(1, "no symbols for %s: %s", image, why);
	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0 || (n == -1 && errno == EINTR))
		if (n > 0) {
			symbolizer_feed(&z, buf, (size_t)n);
			fflush(stdout);
		}
	if (n == -1)
		err(1, "standard input");
	symbolizer_flush(&z);
	return 0;
}
