/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kiln inspect: what is in an image.  The note in the image says what it is;
 * everything else is in the report that bake wrote beside it.
 */
#include "image.h"
#include "json.h"
#include "kiln.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void usage(void)
{
	printf("usage: kiln inspect IMAGE [--json | --size | --syscalls | --why NAME]\n"
	       "       kiln inspect --xl [option of kiln run ...] IMAGE [-- argument ...]\n\n"
	       "      --json       the report as it is\n"
	       "      --size       bytes of the image without its root file system, as a number\n"
	       "      --syscalls   system calls that the program can reach\n"
	       "      --why NAME   why a component, function or system call is in the image\n"
	       "      --xl         the configuration with which kiln run has xl make a domain\n"
	       "      --report F   report to read, if it is not IMAGE.json\n");
}

static unsigned long number(struct json v, const char *key)
{
	return (unsigned long)json_number(json_get(v, key), 0);
}

static char *string(struct json v, const char *key)
{
	char *s = json_string(json_get(v, key));

	return s ? s : xstrdup("");
}

static void print_sizes(struct json report)
{
	struct json objects = json_get(report, "objects"), bytes = json_get(report, "bytes");

	printf("%-22s %8s %8s %8s %8s  %s\n", "", "text", "rodata", "data", "bss", "what");
	for (struct json o = json_first(objects); json_ok(o); o = json_next(objects, o)) {
		char *kind = string(o, "kind"), *what = string(o, "description");

		printf("%-22s %8lu %8lu %8lu %8lu  %s\n", string(o, "name"), number(o, "text"),
		    number(o, "rodata"), number(o, "data"), number(o, "bss"), *what ? what : kind);
	}
	printf("%-22s %8lu %8lu %8lu %8lu\n", "total", number(bytes, "text"),
	    number(bytes, "rodata"), number(bytes, "data"), number(bytes, "bss"));
}

static void print_strings(struct json list, const char *suffix)
{
	for (struct json e = json_first(list); json_ok(e); e = json_next(list, e))
		printf("%s%s\n", json_string(e), suffix);
}

static void print_syscalls(struct json report)
{
	struct json s = json_get(report, "syscalls");

	print_strings(json_get(s, "implemented"), "");
	print_strings(json_get(s, "unimplemented"), " (not implemented: ENOSYS)");
}

static void print_table(const struct image *im, struct json report)
{
	struct json b = json_get(report, "bytes"), s = json_get(report, "syscalls");

	printf("%s: image of %s for platform %s\n", im->path, im->program, im->platform);
	printf("built by   kiln %s, image format %u\n", string(report, "kiln"), im->format);
	printf("id         sha256:%s\n", string(report, "id"));
	printf("build-id   %s\n", im->build_id);
	printf("bytes      %lu, of which root %lu\n", number(b, "image"), number(b, "root"));
	printf("calls      %zu system calls, %zu of them not implemented\n\n",
	    json_count(json_get(s, "implemented")) + json_count(json_get(s, "unimplemented")),
	    json_count(json_get(s, "unimplemented")));
	print_sizes(report);
}

/* The chain from a reached section back to a root; see add_nodes() in bake_report.c. */
static void print_chain(struct json *node, size_t nnode, size_t i)
{
	for (int depth = 0; i < nnode; depth++) {
		struct json name = json_first(node[i]), object = json_next(node[i], name),
			    parent = json_next(node[i], object);

		printf("%*s%s%s (%s)\n", 2 * depth, "", depth ? "<- " : "", json_string(name),
		    json_string(object));
		i = (size_t)json_number(parent, nnode);
	}
}

static bool why_component(struct json report, const char *what)
{
	struct json objects = json_get(report, "objects");

	for (struct json o = json_first(objects); json_ok(o); o = json_next(objects, o)) {
		if (strcmp(string(o, "name"), what) != 0)
			continue;
		printf("%s: %s\n", what,
		    string(o, "why")[0] ? string(o, "why") : "it is where the walk begins");
		return true;
	}
	return false;
}

static bool why_symbol(struct json report, const char *what)
{
	struct json list = json_get(report, "reached"), *node;
	size_t n = json_count(list), i = 0;
	const char *names[3] = {what, what, NULL};
	bool found = false;
	char *name;

	names[1] = xasprintf("sys_%s", what);
	node = xcalloc(n + 1, sizeof(*node));
	for (struct json e = json_first(list); json_ok(e) && i < n; e = json_next(list, e))
		node[i++] = e;
	for (int k = 0; names[k] != NULL && !found; k++)
		for (i = 0; i < n; i++) {
			name = json_string(json_first(node[i]));
			if (name != NULL && strcmp(name, names[k]) == 0) {
				print_chain(node, n, i);
				found = true;
			}
			free(name);
		}
	free(node);
	return found;
}

static struct json read_report(const struct image *im, const char *path, struct sbuf *text)
{
	const char *why = "";
	struct json report;
	char *id;

	if (!read_file(path, text))
		err(1, "no report: %s", path);
	report = json_parse(text->s, text->len, &why);
	if (!json_ok(report))
		errx(1, "%s: damaged report: %s", path, why);
	id = string(report, "build_id");
	if (strcmp(id, im->build_id) != 0)
		errx(1, "%s: report of another build (%s, the image has %s)", path, id,
		    im->build_id);
	free(id);
	return report;
}

/* kiln run is what knows. */
static bool wants_xl(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--xl") == 0)
			return true;
	return false;
}

enum { OPT_JSON = 256, OPT_SIZE, OPT_SYSCALLS, OPT_WHY, OPT_REPORT };

int inspect_main(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, OPT_JSON},
	    {"size", no_argument, NULL, OPT_SIZE}, {"syscalls", no_argument, NULL, OPT_SYSCALLS},
	    {"why", required_argument, NULL, OPT_WHY},
	    {"report", required_argument, NULL, OPT_REPORT}, {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0}};
	const char *why = NULL, *path = NULL;
	struct sbuf text = {0};
	struct json report;
	struct image im;
	int mode = 0, c;

	if (wants_xl(argc, argv))
		return run_main(argc, argv);
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == OPT_REPORT) {
			path = optarg;
		} else if (c == 'h') {
			usage();
			return 0;
		} else if (c == '?') {
			usage_error(2, NULL);
		} else {
			mode = c;
			why = c == OPT_WHY ? optarg : why;
		}
	}
	if (optind + 1 != argc)
		usage_error(2, optind == argc ? "which image?" : "one image at a time");
	image_open(argv[optind], &im);
	if (path == NULL)
		path = xasprintf("%s.json", im.path);
	report = read_report(&im, path, &text);
	switch (mode) {
	case OPT_JSON:
		fwrite(text.s, 1, text.len, stdout);
		break;
	case OPT_SIZE:
		printf("%lu\n", number(json_get(report, "bytes"), "without_root"));
		break;
	case OPT_SYSCALLS:
		print_syscalls(report);
		break;
	case OPT_WHY:
		if (!why_component(report, why) && !why_symbol(report, why))
			errx(1, "%s: not in this image: neither component, symbol nor system call",
			    why);
		break;
	default:
		print_table(&im, report);
	}
	return 0;
}
