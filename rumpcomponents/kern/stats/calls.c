/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls: how many, and the table that strace -c prints.  The tracer counts them, if it is in
 * the image.
 */
#include <kern/strace.h>
#include <kern/systm.h>
#include "stats_impl.h"

#define SHOWN_MAX 60 /* calls in the table, those with the most time */

extern __typeof(strace_count_get) strace_count_get __attribute__((weak));

/* Of the calls that were not shown yet, the one that comes next: less time than the last. */
static bool next_call(
    const struct strace_count *last, unsigned last_n, struct strace_count *best, unsigned *best_n)
{
	struct strace_count c;
	bool found = false;

	for (unsigned n = 0; strace_count_get(n, &c); n++) {
		if (c.calls == 0 ||
		    (last && (c.ns > last->ns || (c.ns == last->ns && n <= last_n))))
			continue;
		if (found && c.ns <= best->ns)
			continue;
		*best = c;
		*best_n = n;
		found = true;
	}
	return found;
}

static void show_call(
    struct stats_report *r, const struct strace_count *c, uint64_t total, bool first)
{
	if (r->json)
		stats_put(r, "%s\"%s\": {\"calls\": %lu, \"errors\": %lu, \"us\": %lu}",
		    first ? "" : ", ", c->name, c->calls, c->errors, c->ns / 1000);
	else
		stats_put(r, "kiln: %5lu.%lu %7lu.%06lu %11lu %9lu %9lu %s\n", c->ns * 100 / total,
		    c->ns * 1000 / total % 10, c->ns / 1000000000, c->ns / 1000 % 1000000,
		    c->ns / 1000 / c->calls, c->calls, c->errors, c->name);
}

void stats_calls(struct stats_report *r)
{
	struct strace_count all = {0}, c, last;
	unsigned n, last_n = 0;

	if (!strace_count_get || !strace_count_get(0, &c))
		return;
	for (n = 0; strace_count_get(n, &c); n++) {
		all.calls += c.calls;
		all.errors += c.errors;
		all.ns += c.ns;
	}
	stats_line(r, "calls", "system calls");
	stats_value(r, "calls", all.calls, "calls");
	stats_value(r, "errors", all.errors, "of them failed");
	stats_put(r, r->json
			 ? ", \"by_name\": {"
			 : "\nkiln: %% time     seconds  usecs/call     calls    errors syscall\n");
	for (unsigned i = 0; i < SHOWN_MAX && next_call(i ? &last : NULL, last_n, &c, &n); i++) {
		show_call(r, &c, KMAX(all.ns, 1UL), i == 0);
		last = c;
		last_n = n;
	}
	if (r->json)
		stats_put(r, "}");
	else
		r->open = false;
}
