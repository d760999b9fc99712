/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kiln run --core: the machine is stopped instead of ended, QEMU dumps its memory into our scratch
 * directory, and a core is made of that (core.h).  So it costs a guest nothing, and one that did
 * not get to say a word has a core, too.  A hosted image waits after its last word until we have
 * looked at it.
 */
#include "core.h"
#include "kiln.h"
#include "run_guest.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AFTER_DUMP_MS 120000 /* for QEMU to dump its memory */

static bool written; /* and not yet said */

static const char *dump_path(void)
{
	static const char *path;

	if (path == NULL)
		path = scratch_path("memory");
	return path;
}

static void dump_command(struct sbuf *command)
{
	char *file = xasprintf("file:%s", dump_path());

	sbuf_puts(command, "{\"execute\":\"dump-guest-memory\",\"arguments\":{\"paging\":false,"
			   "\"protocol\":");
	sbuf_json(command, file);
	sbuf_puts(command, "},\"id\":\"core\"}\n");
	free(file);
}

static const char *whole_path(void)
{
	static const char *path;

	if (path == NULL)
		path = scratch_path("core");
	return path;
}

static void place(const struct run *r, bool good, const char *why)
{
	if (!good)
		warnx("no core: %s", why);
	else if (rename(whole_path(), r->core) == -1)
		warn("no core: %s", r->core);
	else
		written = true;
}

/* From QEMU's dump, if reply says that there is one. */
static void make(const struct guest *g, const char *reply, int signo)
{
	const struct symbols *s = g->symbolizer.symbols;
	const char *why = "", *desc = strstr(reply, "\"desc\": \"");
	bool good = false;

	if (strstr(reply, "\"error\"") != NULL)
		why = desc != NULL ? desc + 9 : reply;
	else if (s == NULL)
		why = g->symbolizer.why_none;
	else
		good = core_from_qemu(
		    dump_path(), s, g->run->image.program, signo, whole_path(), &why);
	place(g->run, good, why);
	unlink(dump_path());
}

static void make_hosted(const struct guest *g, int signo)
{
	const struct symbols *s = g->symbolizer.symbols;
	const char *why = g->symbolizer.why_none;

	place(g->run,
	    s != NULL &&
		core_from_process(g->pid, s, g->run->image.program, signo, whole_path(), &why),
	    why);
}

/* What ended the guest, 0 if nothing did. */
static int signal_of(const struct guest *g, bool live)
{
	const struct ending *e = &g->reader.ending;

	return e->outcome == END_SIGNAL ? e->value : live ? 0 : SIGABRT;
}

void run_core_say(const struct run *r)
{
	struct sbuf cmd = {0};

	if (!written)
		return;
	written = false;
	sbuf_puts(&cmd, "kiln gdb ");
	sbuf_shell(&cmd, r->image.path);
	sbuf_puts(&cmd, " ");
	sbuf_shell(&cmd, r->core);
	fprintf(stderr, "kiln run: core written; look at it with:\n    %s\n", cmd.s);
	sbuf_free(&cmd);
}

/* Ends of a program that Linux would leave a core of, and SIGKILL, which is want of memory. */
bool run_core_wanted(const struct ending *e)
{
	static const char dumps[] = {
	    SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGSEGV, SIGXCPU, SIGSYS};

	return e->outcome != END_EXIT &&
	       (e->outcome != END_SIGNAL || memchr(dumps, e->value, sizeof(dumps)) != NULL);
}

bool run_core_dump(struct guest *g, bool live)
{
	struct sbuf command = {0};

	if (g->run->core == NULL || g->killing || g->dumping != CORE_NONE)
		return g->dumping != CORE_NONE;
	if (g->hosted && !g->ended) {
		make_hosted(g, signal_of(g, live));
		if (live)
			run_core_say(g->run);
	}
	if (g->qmp == -1)
		return false;
	g->dumping = live ? CORE_LIVE : CORE_LAST;
	if (!live)
		g->kill_at = guest_now() + AFTER_DUMP_MS;
	dump_command(&command);
	guest_qmp_send(g, command.s);
	sbuf_free(&command);
	return true;
}

void run_core_dumped(struct guest *g, const char *reply)
{
	bool live = g->dumping == CORE_LIVE;

	g->dumping = CORE_NONE;
	make(g, reply, signal_of(g, live));
	if (live)
		run_core_say(g->run);
	else
		guest_end(g);
}
