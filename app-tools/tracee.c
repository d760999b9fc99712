/* SPDX-License-Identifier: BSD-2-Clause */
#include "tracee.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

/*
 * A thread that dies while it is traced stays until its tracer has seen that, and the process with
 * it.  The first thread is the process, whose end is left for who waits for it.
 */
static void bury(const struct tracee *t, pid_t tid)
{
	if (tid != t->pid)
		waitpid(tid, NULL, __WALL);
}

/* Stop one thread.  A signal may come first: it is given back when the thread goes on. */
static bool stop_thread(struct tracee *t, pid_t tid)
{
	siginfo_t si = {0};
	int status;

	if (t->n == TRACEE_MAX || ptrace(PTRACE_SEIZE, tid, NULL, NULL) == -1)
		return false;
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	if (waitid(P_PID, (id_t)tid, &si, WEXITED | WSTOPPED | WNOWAIT | __WALL) == -1)
		return false;
	if (si.si_code == CLD_EXITED || si.si_code == CLD_KILLED || si.si_code == CLD_DUMPED) {
		bury(t, tid);
		return false;
	}
	if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
		return false;
	t->tid[t->n] = tid;
	t->signo[t->n] = status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
	if (ptrace(PTRACE_GETREGS, tid, NULL, &t->regs[t->n]) == -1) {
		bury(t, tid); /* killed after all */
		return false;
	}
	t->n++;
	return true;
}

bool tracee_stop(struct tracee *t)
{
	char path[40];
	struct dirent *e;
	DIR *d;

	t->n = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)t->pid);
	d = opendir(path);
	if (d == NULL)
		return false;
	/* All threads of an image are there before its program runs. */
	while ((e = readdir(d)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]))
			stop_thread(t, (pid_t)strtol(e->d_name, NULL, 10));
	closedir(d);
	return t->n > 0;
}

void tracee_go(struct tracee *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (ptrace(PTRACE_DETACH, t->tid[i], NULL, (long)t->signo[i]) == -1)
			bury(t, t->tid[i]);
	t->n = 0;
}

bool tracee_read(const struct tracee *t, uint64_t va, void *buf, size_t len)
{
	struct iovec to = {buf, len}, from = {(void *)(uintptr_t)va, len};

	return process_vm_readv(t->pid, &to, 1, &from, 1, 0) == (ssize_t)len;
}
