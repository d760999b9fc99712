/* SPDX-License-Identifier: BSD-2-Clause */
/* run_guest.h - a guest that lives: for run_guest.c and what it has others do. */
#ifndef KILN_RUN_GUEST_H
#define KILN_RUN_GUEST_H

#include "run.h"
#include "symbols.h"

#include <sys/types.h>

struct guest {
	const struct run *run;
	pid_t pid;
	int console, status, qmp, signals;
	bool stdin_open, ended, spoke, hosted;
	int wstatus;

	struct sbuf out; /* console output on its way to standard output */
	size_t outpos;	 /* so much of it is written */
	int out_errno;	 /* why standard output takes no more, 0 if it does */
	bool unread;	 /* a signal or the time limit came before all of it was taken */
	char in[2048];	 /* standard input on its way to the guest */
	size_t inlen;

	char qmp_text[1024]; /* a line of the monitor, cut off if it is longer */
	size_t qmp_len;
	bool broken;		 /* QEMU gave up */
	struct profile *profile; /* --profile; NULL: there is none */
	bool sampling;
	double sample_at;				  /* ms of guest_now() of the next sample */
	enum { CORE_NONE, CORE_LAST, CORE_LIVE } dumping; /* for a core: the end, or on the way */

	struct status_reader reader;
	struct symbolizer symbolizer;

	int stop_signal; /* first signal that asked us to stop, 0 if none */
	bool killing;
	bool forced;	 /* the guest was not given the time to end by itself */
	int64_t kill_at; /* ms of now(); INT64_MAX: never */
	int64_t timeout_at;
};

/* Milliseconds of a clock that does not go back. */
int64_t guest_now(void);
/* A command for QEMU's monitor, with its newline. */
void guest_qmp_send(struct guest *g, const char *command);
/* End the guest, whatever it does: QEMU may tidy up, then comes SIGKILL. */
void guest_end(struct guest *g);

/* What goes to standard output: so much is left; write some, after poll(2); forget it. */
static inline size_t guest_out_left(const struct guest *g)
{
	return g->out.len - g->outpos;
}
void guest_write_out(struct guest *g);
void guest_forget_out(struct guest *g);
/* Close a channel that is at its end. */
void guest_drop(int *fd);
/* Take some of what the guest sent; never block.  False at the end of the channel. */
bool guest_read_console(struct guest *g);
bool guest_read_status(struct guest *g);
/* For poll(2): until the next point of time at which something is to be done. */
int guest_poll_ms(const struct guest *g);

/* run_end.c: the child is no more.  A domain whose keeper did not tidy up is destroyed. */
void guest_lost(const struct guest *g, struct run *r);
/* Take what is left in the channels, as far as standard output takes it. */
void guest_drain(struct guest *g);
struct ending guest_ending(const struct guest *g);

/* run_core.c: is this an end that leaves a core? */
bool run_core_wanted(const struct ending *e);
/*
 * Make a core of a guest that goes on afterwards (live) or whose end it is.  True: QEMU is to dump
 * its memory first, and nothing else is to be done until it has.  Nothing happens if no core is
 * wished for.
 */
bool run_core_dump(struct guest *g, bool live);
/* The monitor has answered to that: make the core, and end the guest unless it was live. */
void run_core_dumped(struct guest *g, const char *reply);
#define RUN_CORE_ID "\"id\": \"core\"" /* what the reply has */

/* run_profile.c: begin, with our end of the line to QEMU's gdb server; ends the command without
 * symbols. */
void run_profile_start(struct guest *g, int gdb_fd);
/* Take a sample if it is time. */
void run_profile_sample(struct guest *g);
void run_profile_write(const struct guest *g);

#endif
