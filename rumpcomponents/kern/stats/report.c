/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report, when the program ends: a table, or with "stats": "json" one line of JSON.
 *
 *	kiln: context switches   25 voluntary, 3 preemptive
 *
 *	{"stats": {"switches": {"voluntary": 25, "preemptive": 3}, ...
 *
 * After a crash of the program it comes behind the crash report.  Nothing is taken then that
 * another CPU could have been stopped with, so some figures are missing.
 */
#include <rumpuser.h>
#include <stdarg.h>
#include <kern/component.h>
#include <kern/config.h>
#include <kern/cpu.h>
#include <kern/hook.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/strace.h>
#include <kern/systm.h>
#include "stats_impl.h"

#define TEXT_SIZE 16384
#define KB(pages) ((pages) * (PAGE_SIZE / 1024))

CONFIG_KEY(stats, "stats", CONFIG_STRING);
LINK_SET_DECLARE(stats_sources, stats_source_t);

/* Weak: not every image has the tracer, which counts calls. */
extern __typeof(strace_count_start) strace_count_start __attribute__((weak));

static struct stats_report report; /* text == NULL: nobody wants it */

void stats_put(struct stats_report *r, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(r->text + r->len, r->size - r->len, fmt, ap);
	va_end(ap);
	r->len = KMIN(r->len + (size_t)n, r->size - 1);
}

static void end_line(struct stats_report *r)
{
	if (r->open)
		stats_put(r, r->json ? "}" : "\n");
	r->open = false;
}

void stats_line(struct stats_report *r, const char *key, const char *title)
{
	bool opened = r->len > 0;

	end_line(r);
	if (r->json)
		stats_put(r, "%s\"%s\": {", opened ? ", " : "{\"stats\": {", key);
	else
		stats_put(r, "kiln: %-18s", title);
	r->open = r->first = true;
}

void stats_value(struct stats_report *r, const char *key, uint64_t value, const char *text)
{
	if (r->json)
		stats_put(r, "%s\"%s\": %lu", r->first ? "" : ", ", key, value);
	else
		stats_put(r, "%s %lu %s", r->first ? "" : ",", value, text);
	r->first = false;
}

static void show_time(struct stats_report *r, const char *key, uint64_t us, const char *text)
{
	if (r->json)
		stats_value(r, key, us, text);
	else
		stats_put(
		    r, "%s %lu.%06lu s %s", r->first ? "" : ",", us / 1000000, us % 1000000, text);
	r->first = false;
}

static void show_counts(struct stats_report *r, const struct stats_cpu *c)
{
	stats_value(r, "voluntary", c->voluntary, "voluntary switches");
	stats_value(r, "preemptive", c->preemptive, "preemptive");
	stats_value(r, "faults", c->faults, "page faults");
	stats_value(r, "timer", c->intr[STATS_TIMER], "timer interrupts");
	stats_value(r, "ipi", c->intr[STATS_IPI], "from other CPUs");
	stats_value(r, "device", c->intr[STATS_DEVICE], "of devices");
}

static void show_cpus(struct stats_report *r)
{
	struct stats_cpu all = {0};

	for (unsigned i = 0; i < cpu_count; i++) {
		const struct stats_cpu *c = stats_of_cpu(i);

		all.voluntary += c->voluntary;
		all.preemptive += c->preemptive;
		all.faults += c->faults;
		for (unsigned k = 0; k < STATS_NINTR; k++)
			all.intr[k] += c->intr[k];
	}
	stats_line(r, "switches", "context switches");
	stats_value(r, "voluntary", all.voluntary, "voluntary");
	stats_value(r, "preemptive", all.preemptive, "preemptive");
	stats_line(r, "faults", "page faults");
	stats_value(r, "resolved", all.faults, "resolved");
	stats_line(r, "interrupts", "interrupts");
	stats_value(r, "timer", all.intr[STATS_TIMER], "of timers");
	stats_value(r, "ipi", all.intr[STATS_IPI], "from other CPUs");
	stats_value(r, "device", all.intr[STATS_DEVICE], "of devices");
	for (unsigned i = 0; cpu_count > 1 && i < cpu_count; i++) {
		char key[16], title[16];

		ksnprintf(key, sizeof(key), "cpu%u", i);
		ksnprintf(title, sizeof(title), "CPU %u", i);
		stats_line(r, key, title);
		show_counts(r, stats_of_cpu(i));
	}
}

static void show_memory(struct stats_report *r)
{
	struct kmem_stats ks;

	stats_line(r, "memory", "memory");
	stats_value(
	    r, "peak_kb", KB(page_ntotal - KMIN(stats_low_pages(), page_ntotal)), "KB at most");
	stats_value(r, "end_kb", KB(page_ntotal - page_nfree), "KB at the end");
	stats_value(r, "total_kb", KB(page_ntotal), "KB in all");
	if (r->crashed)
		return;
	kmem_stats(&ks);
	stats_line(r, "kernel", "of it the kernel's");
	stats_value(r, "kmem_bytes", ks.ks_kmem_bytes, "bytes allocated");
	stats_value(r, "pool_objects", ks.ks_pool_objects, "objects of pools");
}

static void show(bool crashed)
{
	struct stats_report *r = &report;
	stats_source_t *const *source;

	r->crashed = crashed;
	stats_line(r, "time", "time");
	show_time(r, "real_us", nanouptime() / 1000, "since the start");
	if (!crashed)
		show_time(r, "cpu_us", proc_cputime() / 1000, "of CPU time");
	show_memory(r);
	show_cpus(r);
	LINK_SET_FOREACH (source, stats_sources)
		(*source)(r);
	stats_calls(r);
	end_line(r);
	if (r->json)
		stats_put(r, "}}\n");
	kprintf("%s", r->text);
	r->text = NULL;
}

static void stats_shutdown(void)
{
	if (report.text)
		show(false);
}
LINK_SET_ADD(shutdown_hooks, stats_shutdown);

void base_crash_end(int signo)
{
	if (report.text)
		show(true);
	base_crash_end_plain(signo);
}

static int stats_init(void)
{
	const char *s = config_string("stats");

	if (!s)
		return 0;
	report.json = strcmp(s, "json") == 0;
	if (!report.json && strcmp(s, "table") != 0)
		config_complain("stats", s, "\"table\" or \"json\"");
	report.size = TEXT_SIZE;
	report.text = kmem_alloc(TEXT_SIZE);
	if (!report.text)
		return ENOMEM;
	return strace_count_start ? strace_count_start() : 0;
}
RUMP_COMPONENT(stats, RUMP_PHASE_KERN, stats_init);
