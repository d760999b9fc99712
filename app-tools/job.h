/* SPDX-License-Identifier: BSD-2-Clause */
/* job.h - a tool that runs while its caller does other things.  All zero is none. */
#ifndef KILN_JOB_H
#define KILN_JOB_H

#include "util.h"

struct job {
	pid_t pid;	 /* 0: none */
	int fd;		 /* readable when job_step() has work; -1: only time is waited for */
	int64_t step_at; /* ms of clock_ms(): when job_step() is to be called anyway */
	int64_t kill_at;
	bool killed;
	struct sbuf out; /* what it has printed, on both streams */
};

/* Milliseconds of a clock that does not go back. */
int64_t clock_ms(void);

/* It gets SIGKILL if it takes longer than so many ms.  Returns false, with errno, if it cannot be
 * started. */
bool job_start(struct job *j, char *const argv[], unsigned ms);

/*
 * Take what it printed; never blocks.  True when it has ended: the job is none again, but for
 * `out', which the caller frees, and *status is what run_tool() would return.
 */
bool job_step(struct job *j, int *status);

#endif
