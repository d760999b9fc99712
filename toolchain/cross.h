/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cross.h - the wrapper toolchain: one program under many names.  cross-cc and
 * x86_64-kiln-linux-musl-gcc are links to it, as are cross-ld, cross-ar ...
 *
 * configure scripts run these hundreds of times, so a wrapper only sorts its
 * arguments and executes the real tool.
 */
#ifndef CROSS_H
#define CROSS_H

#include <stdbool.h>
#include <stddef.h>

#define TRIPLET "x86_64-kiln-linux-musl"

/* Set by cross-configure: linking makes programs that run on the build machine. */
#define ENV_CONFIGURE "KILN_CONFIGURE"

/* An argument list that grows; the strings are not copied.  Never fails. */
struct args {
	char **v; /* NULL-terminated */
	size_t n, room;
};
void args_add(struct args *a, const char *s);
void args_addf(struct args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Directory lib/kiln that belongs to the running wrapper. */
extern const char *kiln_dir;
/* Name that messages start with: "cross-cc". */
extern const char *tool_name;

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Become the tool. */
void run(struct args *a) __attribute__((noreturn));
/* Run the tool and wait: its exit status, 127 if there is none. */
int run_wait(struct args *a);

/* End: there is no C++. */
void no_cxx(void) __attribute__((noreturn));

int cross_cc(int argc, char **argv);
int cross_ld(int argc, char **argv);
int cross_strip(int argc, char **argv);
int cross_pkg_config(int argc, char **argv);

#endif
