/* SPDX-License-Identifier: BSD-2-Clause */
/* A hosted image as a sampler: a process that ptrace(2) stops. */
#include "profile.h"
#include "tracee.h"

static bool stop(void *arg, struct profile_cpu cpu[PROFILE_CPUS], size_t *n)
{
	struct tracee *t = arg;

	*n = 0;
	if (!tracee_stop(t))
		return false;
	for (size_t i = 0; i < t->n && *n < PROFILE_CPUS; i++)
		cpu[(*n)++] = (struct profile_cpu){t->regs[i].rip, t->regs[i].rsp, t->regs[i].rbp};
	return true;
}

static bool read_memory(void *arg, uint64_t va, void *buf, size_t len)
{
	return tracee_read(arg, va, buf, len);
}

static bool go(void *arg)
{
	tracee_go(arg);
	return true;
}

void profile_hosted(pid_t pid, struct sampler *s)
{
	static struct tracee t; /* there is one guest */

	t.pid = pid;
	*s = (struct sampler){stop, read_memory, go, &t};
}
