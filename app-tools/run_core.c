/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kiln run --core: the machine is stopped instead of ended, QEMU dumps its memory into our scratch
 * directory, and a core is made of that (core.h).  So it costs a guest nothing, and one that did
 * not get to say a word has a core, too.
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

/* signo ended the guest, 0 if nothing did. */
static void make(const struct run *r, const struct symbols *s, const char *reply, int signo)
{
	static const char *whole;
	const char *why, *desc = strstr(reply, "\"desc\": \"");

	if (whole == NULL)
		whole = scratch_path("core");
	if (strstr(reply, "\"error\"") != NULL) {
		warnx("no core: QEMU cannot dump: %s", desc ? desc + 9 : reply);
	} else if (s == NULL) {
		warnx("no core: there is no %s.debug of this image", r->image.path);
	} else if (!core_from_qemu(dump_path(), s, r->image.program, signo, whole, &why)) {
		warnx("no core: %s", why);
	} else if (rename(whole, r->core) == -1) {
		warn("no core: %s", r->core);
	} else {
		written = true;
	}
	unlink(dump_path());
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

	if (g->run->core == NULL || g->qmp == -1 || g->killing || g->dumping != CORE_NONE)
		return g->dumping != CORE_NONE;
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
	const struct ending *e = &g->reader.ending;
	int signo = e->outcome == END_SIGNAL ? e->value : g->dumping == CORE_LIVE ? 0 : SIGABRT;
	bool live = g->dumping == CORE_LIVE;

	g->dumping = CORE_NONE;
	make(g->run, g->symbolizer.symbols, reply, signo);
	if (live)
		run_core_say(g->run);
	else
		guest_end(g);
}
