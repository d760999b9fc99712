/* SPDX-License-Identifier: BSD-2-Clause */
/* kern/stats's own: count.c counts, report.c makes the report, calls.c the table of system calls.
 */
#ifndef STATS_IMPL_H
#define STATS_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <kern/stats.h>

enum { STATS_TIMER, STATS_IPI, STATS_DEVICE, STATS_NINTR };

/* Of one CPU, and written by it alone. */
struct stats_cpu {
	uint64_t voluntary;  /* switches because the lwp waits or ends */
	uint64_t preemptive; /* because another's turn has come */
	uint64_t faults;     /* page faults that were resolved */
	uint64_t intr[STATS_NINTR];
} __attribute__((aligned(64)));

/* Of CPU n. */
const struct stats_cpu *stats_of_cpu(unsigned n);
/* The fewest pages that were ever free. */
uint64_t stats_low_pages(void);

/* Text that is printed when it is complete; what does not fit is cut off. */
struct stats_report {
	bool json;
	bool crashed;
	bool first; /* nothing is in this line, or object, yet */
	bool open;  /* a line was begun */
	char *text;
	size_t size, len;
};
/* calls.c: the lines of system calls, if they were counted. */
void stats_calls(struct stats_report *r);
void stats_put(struct stats_report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
