/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tracing of system calls: kern/strace, which is only in images that ask for it.  The others'
 * hooks are weak: test the address.
 */
#ifndef KERN_STRACE_H
#define KERN_STRACE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Why calls go by way of the tracer; 0: they do not.  Set before the program starts. */
#define STRACE_LINES 1 /* they are printed */
#define STRACE_COUNT 2 /* they are counted, and their time measured */
extern volatile uint32_t strace_mode;

/* The calling lwp takes a signal: enters its handler, or with `killed` ends the program. */
void strace_signal(const siginfo_t *info, bool killed) __attribute__((weak));

/* Count from now on.  ENOMEM. */
int strace_count_start(void) __attribute__((weak));
/* What has been counted of the n-th call in the table; false past the end. */
struct strace_count {
	const char *name;
	uint64_t calls, errors, ns;
};
bool strace_count_get(unsigned n, struct strace_count *count) __attribute__((weak));

#endif
