/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kiln bake: from an unbaked program, or several (bake_programs.c), to an image.
 *
 *   read lib/kiln/components/index and lib/kiln/platform/<p>/
 *   walk what the program reaches (reach.c): that gives the components
 *   make the root file system, the configuration and the image note
 *   link with section garbage collection (bake_link.c)
 *   write IMAGE, IMAGE.debug and IMAGE.json, each by a rename
 *
 * The same input gives the same bytes: no times, no paths, no random numbers.
 */
#include "bake.h"
#include "image.h"
#include "kiln.h"
#include "spec.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int not_hidden(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* The platforms that are built, separated by commas; "" if there is none. */
static const char *platforms(void)
{
	char *dir = xasprintf("%s/platform", lib_dir()), *object;
	struct sbuf all = {0};
	struct dirent **e;
	int n = scandir(dir, &e, not_hidden, alphasort);

	sbuf_puts(&all, "");
	for (int i = 0; i < n; i++) {
		object = xasprintf("%s/%s/platform.o", dir, e[i]->d_name);
		if (access(object, R_OK) == 0)
			sbuf_printf(&all, "%s%s", all.len ? ", " : "", e[i]->d_name);
		free(object);
		free(e[i]);
	}
	free(dir);
	return all.s;
}

static void usage(void)
{
	printf(
	    "usage: kiln bake PROGRAM... -o IMAGE [option ...] [-- argument ...]\n\n"
	    "  -o, --output FILE     image to write; FILE.debug and FILE.json beside it\n"
	    "  -p, --platform NAME   what it is to run on (default hw); there is: %s\n"
	    "  -r, --root DIR        directory that becomes the root file system\n"
	    "  -e, --env NAME=VALUE  environment variable (may be repeated)\n"
	    "      --arg ARGUMENT    argument of the program (may be repeated)\n"
	    "      --hostname NAME   host name\n"
	    "      --start COMMANDS  of several programs, what is started: \"a 1 | b; c &\"\n"
	    "      --syscalls A,B    system calls to put in although nothing refers to them\n"
	    "      --with COMPONENT  component to put in although nothing refers to it\n"
	    "      --debug           all that helps debugging, such as kern/strace and kern/stats\n"
	    "      --report FILE     where the report goes instead of IMAGE.json\n"
	    "  -v, --verbose         print the linker's command and what was taken\n\n"
	    "Arguments and environment are defaults that `kiln run' can override.\n",
	    *platforms() ? platforms() : "none");
}

enum {
	OPT_ARG = 256,
	OPT_SYSCALLS,
	OPT_WITH,
	OPT_REPORT,
	OPT_HOSTNAME,
	OPT_START,
	OPT_DEBUG,
	OPT_HELP
};

static void parse_options(struct bake *b, int argc, char **argv)
{
	static const struct option options[] = {{"output", required_argument, NULL, 'o'},
	    {"platform", required_argument, NULL, 'p'}, {"root", required_argument, NULL, 'r'},
	    {"env", required_argument, NULL, 'e'}, {"arg", required_argument, NULL, OPT_ARG},
	    {"syscalls", required_argument, NULL, OPT_SYSCALLS},
	    {"with", required_argument, NULL, OPT_WITH},
	    {"report", required_argument, NULL, OPT_REPORT},
	    {"hostname", required_argument, NULL, OPT_HOSTNAME},
	    {"start", required_argument, NULL, OPT_START}, {"debug", no_argument, NULL, OPT_DEBUG},
	    {"verbose", no_argument, NULL, 'v'}, {"help", no_argument, NULL, OPT_HELP},
	    {NULL, 0, NULL, 0}};
	int dashes = argc, c;

	/* Everything behind -- is the program's. */
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0) {
			dashes = i;
			break;
		}
	while ((c = getopt_long(dashes, argv, "o:p:r:e:v", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			b->output = optarg;
			break;
		case 'p':
			b->platform = optarg;
			break;
		case 'r':
			b->root = optarg;
			break;
		case 'e':
			if (spec_env(optarg) != NULL)
				spec_fail("--env", optarg, spec_env(optarg));
			strlist_setenv(&b->env, optarg);
			break;
		case 'v':
			b->verbose = true;
			break;
		case OPT_ARG:
			strlist_add(&b->args, optarg);
			break;
		case OPT_SYSCALLS:
			strlist_split(&b->syscalls, optarg, ",");
			break;
		case OPT_WITH:
			strlist_split(&b->with, optarg, ",");
			break;
		case OPT_REPORT:
			b->report = optarg;
			break;
		case OPT_HOSTNAME:
			if (spec_hostname(optarg) != NULL)
				spec_fail("--hostname", optarg, spec_hostname(optarg));
			b->hostname = optarg;
			break;
		case OPT_START:
			b->start = optarg;
			break;
		case OPT_DEBUG:
			strlist_add(&b->reach.options, "@debug");
			break;
		case OPT_HELP:
			usage();
			exit(0);
		default:
			usage_error(2, NULL);
		}
	}
	if (optind >= dashes)
		usage_error(2, "which program?");
	b->nprogram = (size_t)(dashes - optind);
	b->program = xcalloc(b->nprogram, sizeof(*b->program));
	for (size_t i = 0; i < b->nprogram; i++)
		b->program[i].file = b->program[i].linked = argv[optind++];
	if (b->start != NULL && b->nprogram == 1)
		errx(1, "--start: the image has one program only");
	if (b->output == NULL)
		usage_error(2, "where does the image go? -o IMAGE");
	for (int i = dashes + 1; i < argc; i++)
		strlist_add(&b->args, argv[i]);
}

/* Say what the file is, rather than only what it is not. */
static void check_program(const char *path)
{
	enum file_kind kind;
	const void *data;
	size_t len;

	data = map_file(path, &len);
	if (data == NULL)
		err(1, "%s", path);
	kind = file_kind(data, len);
	if (kind == FILE_UNBAKED)
		return;
	errx(1, "%s is not an unbaked program but %s%s", path, file_kind_text(kind),
	    kind == FILE_IMAGE	? ""
	    : kind == FILE_HOST ? "; compile and link it with cross-cc"
				: "; link it with cross-cc");
}

static void check_root(const char *root)
{
	struct stat st;

	if (stat(root, &st) == -1)
		err(1, "--root %s", root);
	if (!S_ISDIR(st.st_mode))
		errx(1, "--root %s: not a directory", root);
}

static void check_platform(struct bake *b)
{
	char *object;

	b->platform_dir = xasprintf("%s/platform/%s", lib_dir(), b->platform);
	object = xasprintf("%s/platform.o", b->platform_dir);
	if (strchr(b->platform, '/') == NULL && access(object, R_OK) == 0) {
		free(object);
		return;
	}
	if (*platforms() == '\0')
		errx(1,
		    "%s/platform: no platform there "
		    "(is Kiln built? KILN_LIB may say where its lib/kiln is)",
		    lib_dir());
	spec_fail("--platform", b->platform, platforms());
}

static struct object *add_object(
    struct reach *r, enum object_kind kind, const char *name, char *path)
{
	struct object *o;

	r->object = grow(r->object, r->nobject, sizeof(*r->object));
	o = &r->object[r->nobject++];
	*o = (struct object){.kind = kind, .name = xstrdup(name), .path = path, .available = true};
	return o;
}

/*
 * A component with the word @with exists only in an image that asks for it: by its name, or by
 * another of its words.  Its symbols go over weak ones of others, which it could not if it were
 * merely not taken.
 */
static bool asked_for(const struct bake *b, const struct object *o)
{
	if (strlist_has(&b->with, o->name))
		return true;
	for (size_t i = 0; i < o->for_words.n; i++)
		if (*o->for_words.v[i] == '@' && strlist_has(&b->reach.options, o->for_words.v[i]))
			return true;
	return false;
}

/* One line of the index: name|object|needs|for|platforms|description */
static void add_component(struct bake *b, const char *dir, char *line)
{
	char *field[6], *rest = line;
	struct object *o;
	int n;

	for (n = 0; n < 6 && (field[n] = strsep(&rest, "|")) != NULL; n++)
		continue;
	if (n != 6 || *field[0] == '\0' || *field[1] == '\0')
		errx(1, "%s/index: damaged line: %s", dir, line);
	o = add_object(&b->reach, OBJECT_COMPONENT, field[0], xasprintf("%s/%s", dir, field[1]));
	strlist_split(&o->for_words, field[3], " \t");
	strlist_split(&o->platforms, field[4], " \t");
	o->summary = xstrdup(field[5]);
	o->available = (o->platforms.n == 0 || strlist_has(&o->platforms, b->platform)) &&
		       (!strlist_has(&o->for_words, "@with") || asked_for(b, o));
}

static void read_components(struct bake *b)
{
	char *dir = xasprintf("%s/components", lib_dir());
	char *index = xasprintf("%s/index", dir);
	struct sbuf text = {0};
	char *rest, *line;

	if (!read_file(index, &text))
		err(1, "%s (is Kiln built? KILN_LIB may say where its lib/kiln is)", index);
	for (rest = text.s; (line = strsep(&rest, "\n")) != NULL;)
		if (*line != '\0')
			add_component(b, dir, line);
	sbuf_free(&text);
	free(index);
	free(dir);
}

static void complain_undefined(const struct reach *r)
{
	struct sbuf chain = {0};

	for (size_t i = 0; i < r->nundefined && i < 12; i++) {
		const struct undefined *u = &r->undefined[i];

		sbuf_free(&chain);
		reach_chain(r, u->node, &chain);
		warnx("%s: nothing defines it%s%s%s", plain_name(u->symbol),
		    u->elsewhere ? " on platform " : "", u->elsewhere ? r->object[1].name : "",
		    u->elsewhere ? " (another platform has it)" : "");
		if (u->elsewhere != NULL)
			warnx("  component %s would, but does not exist here", u->elsewhere->name);
		warnx("  reached by: %s", chain.s);
	}
	if (r->nundefined > 12)
		warnx("... and %zu more", r->nundefined - 12);
	errx(1, "no image: %zu undefined symbol%s", r->nundefined, r->nundefined == 1 ? "" : "s");
}

static void print_taken(const struct reach *r)
{
	struct sbuf chain = {0};

	for (size_t i = 2; i < r->nobject; i++) {
		const struct object *o = &r->object[i];

		if (!o->taken)
			continue;
		sbuf_free(&chain);
		sbuf_puts(&chain, "");
		reach_chain(r, o->why, &chain);
		fprintf(stderr, "%-20s %s%s%s\n", o->name, o->why_text ? o->why_text : "",
		    o->why_text && chain.len ? " <- " : "", chain.s ? chain.s : "");
	}
}

/*
 * Where a file that is to be called `path' really goes: a symbolic link is written
 * through, as cc and ld do.  A rename would replace a device node or the program
 * itself without a word, so these are refused.
 */
static char *destination(const char *path, const struct bake *b)
{
	struct stat st, prog;
	char *real;

	if (stat(path, &st) == -1) {
		if (errno == ENOENT && lstat(path, &st) == 0)
			errx(1, "%s: a symbolic link to nothing", path);
		if (errno != ENOENT)
			err(1, "%s", path);
		return xstrdup(path);
	}
	if (!S_ISREG(st.st_mode))
		errx(1, "%s: exists and is not a regular file", path);
	for (size_t i = 0; i < b->nprogram; i++)
		if (stat(b->program[i].file, &prog) == 0 && prog.st_dev == st.st_dev &&
		    prog.st_ino == st.st_ino)
			errx(1, "%s: is the unbaked program itself", path);
	real = realpath(path, NULL);
	if (real == NULL)
		err(1, "%s", path);
	return real;
}

static void place(const char *from, const char *to)
{
	if (rename(from, to) == -1)
		err(1, "%s", to);
}

int bake_main(int argc, char **argv)
{
	struct bake b = {.platform = "hw"};
	char *debug, *report, *to_image, *to_debug, *to_report;
	const char *img, *json;

	parse_options(&b, argc, argv);
	for (size_t i = 0; i < b.nprogram; i++)
		check_program(b.program[i].file);
	debug = xasprintf("%s.debug", b.output);
	report = b.report ? xstrdup(b.report) : xasprintf("%s.json", b.output);
	to_image = destination(b.output, &b);
	to_debug = destination(debug, &b);
	to_report = destination(report, &b);
	check_platform(&b);
	if (b.root != NULL) {
		check_root(b.root);
		strlist_add(&b.reach.options, "@root");
	}
	scratch_open(to_image);
	if (b.nprogram > 1) {
		bake_split_programs(&b);
		strlist_add(&b.reach.options, "@programs");
	}
	add_object(&b.reach, OBJECT_PROGRAM,
	    b.nprogram > 1 ? b.program[0].name : base_name(b.program[0].file),
	    xstrdup(b.program[0].linked));
	add_object(
	    &b.reach, OBJECT_PLATFORM, b.platform, xasprintf("%s/platform.o", b.platform_dir));
	bake_read_platform(&b);
	read_components(&b);
	for (size_t i = 1; i < b.nprogram; i++)
		add_object(
		    &b.reach, OBJECT_PROGRAM, b.program[i].name, xstrdup(b.program[i].linked));
	if (b.nprogram > 1)
		bake_programs_words(&b);
	reach_walk(&b.reach, b.entry, &b.syscalls, &b.with);
	if (b.verbose)
		print_taken(&b.reach);
	if (b.reach.nundefined > 0)
		complain_undefined(&b.reach);

	if (b.root != NULL)
		bake_root(&b);
	bake_link(&b);
	img = scratch_path("image");
	json = scratch_path("report");
	bake_strip(&b, img);
	bake_report(&b, json);
	place(b.elf, to_debug);
	place(json, to_report);
	place(img, to_image);
	bake_summary(&b);
	return 0;
}
