/* SPDX-License-Identifier: BSD-2-Clause */
#include "kiln.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int kiln_failure = 1;

static int version_main(int argc, char **argv)
{
	printf("kiln %s\n", KILN_VERSION);
	return 0;
}

static int help_main(int argc, char **argv);

static const struct command {
	const char *name;
	int (*main)(int, char **);
	const char *summary;
} commands[] = {
    {"bake", bake_main, "make a bootable image from an unbaked program"},
    {"run", run_main, "boot an image and pass its exit status on"},
    {"inspect", inspect_main, "say what is in an image, and why"},
    {"symbolize", symbolize_main, "put names to the addresses in a crash log"},
    {"profile", profile_main, "run an image, and find where its time goes"},
    {"gdb", gdb_main, "look at a core or a running guest with gdb"},
    {"version", version_main, "print the version"},
    {"help", help_main, "print this list"},
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void list(FILE *to)
{
	fprintf(to, "usage: kiln COMMAND [option ...]\n\n");
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(to, "  %-11s%s\n", commands[i].name, commands[i].summary);
	fprintf(to, "\n`kiln COMMAND --help` lists the options of a command.\n");
}

static int help_main(int argc, char **argv)
{
	list(stdout);
	return 0;
}

static const struct command *find(const char *name)
{
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Whoever closed a standard stream must not get our messages into an image. */
static void open_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	static char progname[32];
	const struct command *c;
	int status;

	open_standard_streams();
	if (argc < 2) {
		list(stderr);
		return 2;
	}
	c = find(argv[1]);
	if (c == NULL) {
		warnx("no command `%s'; see `kiln help'", argv[1]);
		return 2;
	}
	/* err(3) and getopt(3) start their messages with this. */
	snprintf(progname, sizeof(progname), "kiln %s", c->name);
	program_invocation_short_name = progname;
	argv[1] = progname;
	status = c->main(argc - 1, argv + 1);
	if (fflush(stdout) != 0 || ferror(stdout))
		err(kiln_failure, "standard output");
	return status;
}
