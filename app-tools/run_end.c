/* SPDX-License-Identifier: BSD-2-Clause */
/* What follows when the guest's process is no more: the rest of what it said, and how it ended. */
#include "run_guest.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define AFTER_STOP_MS 2000 /* for a reader to take more, when we were told to stop */

/*
 * The guest is no more; whoever reads its output may be slow, or stopped for good.  Returns false
 * when it is not to be waited for any longer.
 */
static bool write_rest(struct guest *g)
{
	struct pollfd p[2] = {
	    {.events = POLLOUT, .fd = STDOUT_FILENO}, {.events = POLLIN, .fd = g->signals}};
	int n = poll(p, 2, g->stop_signal != 0 ? AFTER_STOP_MS : guest_poll_ms(g));
	struct signalfd_siginfo si;

	if (n > 0 && p[0].revents != 0)
		guest_write_out(g);
	while (read(g->signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			continue;
		g->stop_signal = (int)si.ssi_signo;
		g->unread = guest_out_left(g) > 0;
	}
	if (n == 0 && (g->stop_signal != 0 || guest_now() >= g->timeout_at)) {
		g->stop_signal = g->stop_signal != 0 ? g->stop_signal : SIGALRM;
		g->unread = true;
	}
	return !g->unread;
}

/* Take what the guest left in the sockets. */
void guest_drain(struct guest *g)
{
	g->kill_at = INT64_MAX;
	do {
		while (guest_out_left(g) > 0 && g->out_errno == 0 && write_rest(g))
			continue;
		guest_forget_out(g);
		if (g->console != -1 && !guest_read_console(g))
			guest_drop(&g->console);
	} while (guest_out_left(g) > 0 && g->out_errno == 0 && !g->unread);
	while (g->status != -1 && g->reader.ending.outcome == END_NONE) {
		struct pollfd s = {.events = POLLIN, .fd = g->status};

		if (poll(&s, 1, 0) != 1 || !guest_read_status(g))
			break;
	}
	symbolizer_flush(&g->symbolizer);
}

/* Its exit status; -1 if a signal ended it. */
static int child_status(const struct guest *g)
{
	return WIFEXITED(g->wstatus) ? WEXITSTATUS(g->wstatus) : -1;
}

void guest_lost(const struct guest *g, struct run *r)
{
	if (r->keeper != NULL && child_status(g) != 0 && child_status(g) != RUN_DOMAIN_AWAY)
		run_domain_lost(r);
}

struct ending guest_ending(const struct guest *g)
{
	if (g->out_errno != 0 && g->out_errno != EPIPE)
		return (struct ending){END_OUTPUT, g->out_errno};
	if (g->unread)
		return (struct ending){END_STOPPED, g->stop_signal};
	if (g->reader.ending.outcome != END_NONE)
		return g->reader.ending;
	if (g->forced && !g->broken)
		return (struct ending){END_STOPPED, g->stop_signal};
	if (g->run->keeper != NULL && child_status(g) == RUN_DOMAIN_AWAY)
		return (struct ending){END_AWAY, 0};
	/* QEMU's own errors are status 1; a hosted image that cannot start says why. */
	if (WIFEXITED(g->wstatus) && !g->spoke && !g->broken &&
	    (WEXITSTATUS(g->wstatus) == 127 || (!g->hosted && WEXITSTATUS(g->wstatus) == 1)))
		return (struct ending){END_REFUSED, 0};
	return (struct ending){END_LOST, 0};
}
