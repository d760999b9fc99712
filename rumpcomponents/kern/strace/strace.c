/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which calls are traced, and counting them.  The stubs come here if strace_mode says so.
 *
 * "strace" in the launch configuration is the names of the calls to print, separated by commas;
 * none for all.
 */
#include <rumpuser.h>
#include <kern/component.h>
#include <kern/config.h>
#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/syscallframe.h>
#include <kern/systm.h>
#include "strace_impl.h"

#define NAMES_WORDS 8 /* of 64 calls each */

volatile uint32_t strace_mode;
static uint64_t chosen[NAMES_WORDS]; /* bit n: strace_sysents[n] is printed */
/* Per CPU, an element for each call; only its CPU writes there. */
static struct strace_count *counts[RUMPUSER_MAXCPUS];

CONFIG_KEY(strace, "strace", CONFIG_STRING);

static const struct strace_sysent *find(int number)
{
	unsigned lo = 0, hi = strace_nsysents;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (strace_sysents[mid].number == number)
			return &strace_sysents[mid];
		if (strace_sysents[mid].number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static void count(unsigned n, long result, uint64_t ns)
{
	struct strace_count *c;

	cpu_hold();
	c = &counts[cpu_index()][n];
	c->calls++;
	c->errors += (unsigned long)result > -4096UL;
	c->ns += ns;
	cpu_release();
}

long strace_traced(strace_call_t *call, const struct syscallframe *sf);
long strace_traced(strace_call_t *call, const struct syscallframe *sf)
{
	const unsigned long *a = sf->sf_args;
	const struct strace_sysent *e = find(syscallframe_number(sf));
	unsigned n = e ? (unsigned)(e - strace_sysents) : 0;
	bool counted = e && strace_mode & STRACE_COUNT;
	uint64_t start = 0;
	long result;

	if (counted && (e->result == STRACE_NORETURN || e->result == STRACE_EXEC)) {
		count(n, 0, 0);
		counted = false;
	}
	if (counted)
		start = nanouptime();
	if (e && strace_mode & STRACE_LINES && chosen[n / 64] & 1ULL << n % 64)
		result = strace_shown(call, e, a);
	else
		result = call(a[0], a[1], a[2], a[3], a[4], a[5]);
	if (counted)
		count(n, result, nanouptime() - start);
	return result;
}

/* In the place of calls that nobody implements. */
long strace_unimplemented(void);
long syscall_unimplemented(const char *name);
long strace_unimplemented(void)
{
	return syscall_unimplemented(find(syscallframe_number(syscallframe_current()))->name);
}

int strace_count_start(void)
{
	for (unsigned i = 0; i < cpu_count; i++) {
		counts[i] = kmem_zalloc(strace_nsysents * sizeof(**counts));
		if (!counts[i])
			return ENOMEM;
	}
	strace_mode |= STRACE_COUNT;
	return 0;
}

bool strace_count_get(unsigned n, struct strace_count *c)
{
	if (!(strace_mode & STRACE_COUNT) || n >= strace_nsysents)
		return false;
	*c = (struct strace_count){.name = strace_sysents[n].name};
	for (unsigned i = 0; i < cpu_count; i++) {
		c->calls += counts[i][n].calls;
		c->errors += counts[i][n].errors;
		c->ns += counts[i][n].ns;
	}
	return true;
}

/* Have the call of that name printed. */
static bool choose(const char *name, size_t len)
{
	for (unsigned n = 0; n < strace_nsysents; n++) {
		const char *s = strace_sysents[n].name;

		if (strncmp(s, name, len) == 0 && s[len] == '\0') {
			chosen[n / 64] |= 1ULL << n % 64;
			return true;
		}
	}
	return false;
}

static int strace_init(void)
{
	const char *s = config_string("strace"), *end;

	if (!s)
		return 0;
	KASSERT(strace_nsysents <= 64 * NAMES_WORDS);
	if (!*s)
		memset(chosen, 0xff, sizeof(chosen));
	for (; *s; s = end + (*end == ',')) {
		for (end = s; *end && *end != ','; end++)
			continue;
		if (!choose(s, (size_t)(end - s)))
			config_complain("strace", s, "names of system calls, separated by commas");
	}
	strace_mode |= STRACE_LINES;
	return 0;
}
RUMP_COMPONENT(strace, RUMP_PHASE_KERN, strace_init);
