/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report at the end of the program (kern/stats): who has figures for it adds a source,
 * LINK_SET_ADD(stats_sources, function), in a component that is only there with kern/stats.
 */
#ifndef KERN_STATS_H
#define KERN_STATS_H

#include <stdint.h>
#include <kern/linkset.h>

struct stats_report;
/*
 * Runs once, on the thread that ends the program or after a crash, when the other CPUs are stopped:
 * takes no locks, sleeps not.
 */
typedef void stats_source_t(struct stats_report *r);

/* A line of the table; what it is about ("page faults", "eth0"), and its name in JSON. */
void stats_line(struct stats_report *r, const char *key, const char *title);
/* A figure in the line: its name in JSON, and the words behind it in the table. */
void stats_value(struct stats_report *r, const char *key, uint64_t value, const char *text);

#endif
