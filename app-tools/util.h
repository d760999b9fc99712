/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * util.h - memory, growing strings, processes and files.  Everything here
 * succeeds or ends the command with a message, unless its text says otherwise.
 */
#ifndef KILN_UTIL_H
#define KILN_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ------------------------------------------------------- memory and strings */

void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Make room for one more element in an array of n elements whose capacity is
 * the next power of two.  Returns the array, moved perhaps.
 */
void *grow(void *array, size_t n, size_t size);

/* A growing string, NUL-terminated whenever it is not empty.  {0} is empty. */
struct sbuf {
	char *s;
	size_t len, cap;
};

void sbuf_add(struct sbuf *b, const void *data, size_t len);
void sbuf_puts(struct sbuf *b, const char *s);
void sbuf_printf(struct sbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* s as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void sbuf_json(struct sbuf *b, const char *s);
/* s quoted for a shell, if need be. */
void sbuf_shell(struct sbuf *b, const char *s);
void sbuf_free(struct sbuf *b);

/* A list of strings, NULL-terminated whenever it is not empty: an argv, say. */
struct strlist {
	char **v;
	size_t n;
};

void strlist_add(struct strlist *l, const char *s); /* copies s */
void strlist_printf(struct strlist *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* s is NAME=VALUE and takes the place of one with this name. */
void strlist_setenv(struct strlist *l, const char *s);
bool strlist_has(const struct strlist *l, const char *s);
/* All of them, quoted for a shell, on one line. */
void strlist_shell(const struct strlist *l, struct sbuf *out);
/* A JSON array of them, `between` between two; of NAME=VALUE, an object. */
void strlist_json(const struct strlist *l, const char *between, struct sbuf *out);
void strlist_json_env(const struct strlist *l, struct sbuf *out);
void strlist_free(struct strlist *l);
/* Add the words of s that the bytes in sep separate. */
void strlist_split(struct strlist *l, const char *s, const char *sep);

/* ------------------------------------------------------------------- files */

/* The whole file, NUL-terminated.  Returns false with errno set. */
bool read_file(const char *path, struct sbuf *into);
void write_file(const char *path, const void *data, size_t len);
/* SHA-256 as 64 hexadecimal digits. */
void sha256_hex(const void *data, size_t len, char hex[65]);
/* Map a file for reading; *len is its size.  NULL with errno set. */
const void *map_file(const char *path, size_t *len);
const char *base_name(const char *path);

/*
 * A scratch directory beside the file `output`, removed with its contents at
 * exit and when a signal ends the command: what is renamed from there to
 * `output` appears at once and whole.  One per process.  Those of processes that
 * were killed are removed, too.
 */
void scratch_open(const char *output);
/* Path of a file in it; at most 64 names. */
const char *scratch_path(const char *name);
/* Remove it now: for ends that exit handlers do not see. */
void scratch_close(void);

/* --------------------------------------------------------------- processes */

/* Full path of a program of the host, or NULL. */
char *find_program(const char *name);
/*
 * Run a tool and wait for it.  What it writes to standard output and standard
 * error is gathered in `out` if that is not NULL.  Returns its exit status; -1
 * and errno if it could not be started; 128 + n if signal n ended it.
 */
int run_tool(char *const argv[], struct sbuf *out);
/*
 * The same without waiting: its pid, or -1 and errno.  Standard output and standard error are
 * `out', or ours if that is -1.  Its signals are as after a login: none is blocked, for libxl hears
 * of its children by SIGCHLD alone.
 */
pid_t start_tool(char *const argv[], int out);
/* What run_tool() returns, of what waitpid(2) said. */
int tool_status(int wstatus);
/* First line that `tool --version` (or other option) prints, or "unknown". */
char *tool_version(const char *tool, const char *option);

/* $KILN_LIB, or lib/kiln beside the directory of this executable. */
const char *lib_dir(void);

#endif
