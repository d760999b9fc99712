/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command `kiln`: a table of subcommands (kiln.c), one file each.  Files
 * shared by them: util (memory, strings, processes, files), json, spec (option
 * values), image (what a file is, the image note), elfobj (relocatable objects).
 *
 * Errors: a message on standard error through err(3), then exit.  The status is
 * kiln_failure: 1, except that `run` makes it EXIT_LAUNCH so that it is not so
 * easily taken for the program's own.
 */
#ifndef KILN_H
#define KILN_H

#ifndef KILN_VERSION
#define KILN_VERSION "0"
#endif

#define EXIT_LAUNCH 125 /* kiln run failed before there was a guest */

extern int kiln_failure;

/* End the command after a wrong use of it: `what', unless NULL, and where to read on. */
void usage_error(int status, const char *what) __attribute__((noreturn));

/* Each gets argv[0] = its own name and returns the exit status. */
int bake_main(int argc, char **argv);
int run_main(int argc, char **argv);
int inspect_main(int argc, char **argv);
int symbolize_main(int argc, char **argv);
int gdb_main(int argc, char **argv);
int profile_main(int argc, char **argv);

#endif
