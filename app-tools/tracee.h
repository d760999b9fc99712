/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracee.h - a process of ours, stopped for a moment by ptrace(2) to be looked at.  Between two
 * looks it is not traced, so that its signals, which are its interrupts, cost what they always do.
 */
#ifndef KILN_TRACEE_H
#define KILN_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#define TRACEE_MAX 40 /* threads: CPUs, and some */

struct tracee {
	pid_t pid;
	size_t n;
	pid_t tid[TRACEE_MAX];
	int signo[TRACEE_MAX]; /* a signal on its way there, 0 if none */
	struct user_regs_struct regs[TRACEE_MAX];
};

/* Stop t->pid, a child of ours; fills in the rest.  False: it has ended; nothing is stopped. */
bool tracee_stop(struct tracee *t);
void tracee_go(struct tracee *t);
/* Memory of the process; false if not all of it is there. */
bool tracee_read(const struct tracee *t, uint64_t va, void *buf, size_t len);

#endif
