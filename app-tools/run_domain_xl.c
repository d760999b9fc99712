/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What xl knows of our domain, by `xl list -v': Name ID Mem VCPUs State Time UUID Reason-Code and
 * more.  It is asked for all domains: that ours is not among them is an answer, an error of xl's is
 * none.  Names are anybody's; the UUID is ours, and moving to the same host, or restoring a file,
 * makes another domain of that UUID, which is not: once the number is known it must be that, too.
 */
#include "run_domain.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASK_AGAIN     5	     /* so often, if xl does not answer */
#define ASK_PAUSE     200000 /* us between */
#define ASK_WARN      3	     /* so many questions without an answer are worth a message */
#define WORD_STATE    2	     /* in a line of xl list, words before the UUID: state, time */
#define WORD_ID	      5	     /* number, memory, processors, state, time */
#define WORD_REASON   1	     /* behind it */
#define SUSPENDED     "2"    /* SHUTDOWN_suspend */
#define DOMAIN_JOB_MS 10000  /* a host that is busy makes xl slow */

static void show(const struct run *r, const struct strlist *cmd)
{
	struct sbuf text = {0};

	if (!r->verbose)
		return;
	strlist_shell(cmd, &text);
	fprintf(stderr, "%s\n", text.s);
	sbuf_free(&text);
}

int domain_tool(const struct run *r, struct sbuf *out, const char *const argv[])
{
	struct sbuf own = {0};
	struct strlist cmd = {0};
	int status;

	for (const char *const *a = argv; *a != NULL; a++)
		strlist_add(&cmd, *a);
	show(r, &cmd);
	status = run_tool(cmd.v, out ? out : &own);
	sbuf_free(&own);
	strlist_free(&cmd);
	return status;
}

bool domain_job(const struct run *r, struct job *j, const char *const argv[])
{
	struct strlist cmd = {0};
	bool begun;

	for (const char *const *a = argv; *a != NULL; a++)
		strlist_add(&cmd, *a);
	show(r, &cmd);
	begun = job_start(j, cmd.v, DOMAIN_JOB_MS);
	strlist_free(&cmd);
	return begun;
}

char *last_line(const struct sbuf *s)
{
	size_t end = s->len, at;

	while (end > 0 && s->s[end - 1] == '\n')
		end--;
	for (at = end; at > 0 && s->s[at - 1] != '\n'; at--)
		continue;
	return end > at ? xasprintf("%.*s", (int)(end - at), s->s + at) : xstrdup("");
}

/*
 * "s", "c" or "d" among the state's letters are an end, unless it is only "s" (shut down) and the
 * reason is suspension: that is how a domain is while xl saves or moves it.
 */
static enum domain_state state_of(const char *letters, const char *reason)
{
	if (strpbrk(letters, "scd") == NULL)
		return DOMAIN_RUNS;
	if (reason == NULL || strcmp(reason, SUSPENDED) != 0)
		return DOMAIN_ENDED;
	return strchr(letters, 'd') != NULL ? DOMAIN_GONE : DOMAIN_SUSPENDED;
}

/* Is the line that of our domain?  A name may have spaces. */
static bool our_line(struct domain *d, const char *line, enum domain_state *state)
{
	struct strlist words = {0};
	bool ours = false;
	unsigned id;

	strlist_split(&words, line, " \t");
	for (size_t i = WORD_ID + 1; i < words.n && !ours; i++) {
		if (strcmp(words.v[i], d->run->xen.uuid) != 0 ||
		    spec_number(words.v[i - WORD_ID], 1, 65535, &id) != NULL ||
		    (d->id != 0 && d->id != id))
			continue;
		ours = true;
		d->id = id;
		*state = state_of(words.v[i - WORD_STATE],
		    i + WORD_REASON < words.n ? words.v[i + WORD_REASON] : NULL);
	}
	strlist_free(&words);
	return ours;
}

enum domain_state domain_answer(struct domain *d, int status, const struct sbuf *out)
{
	enum domain_state state = DOMAIN_GONE;
	struct strlist lines = {0};
	char *line;

	if (status != 0) {
		if (++d->unanswered == ASK_WARN) {
			line = last_line(out);
			warnx("xl list fails, and is tried again: %s", line);
			free(line);
		}
		return DOMAIN_UNKNOWN;
	}
	d->unanswered = 0;
	if (out->s != NULL)
		strlist_split(&lines, out->s, "\n");
	for (size_t i = 0; i < lines.n; i++)
		if (our_line(d, lines.v[i], &state))
			break;
	strlist_free(&lines);
	return state;
}

enum domain_state domain_find(struct domain *d)
{
	enum domain_state state = DOMAIN_UNKNOWN;

	for (int i = 0; i < ASK_AGAIN && state == DOMAIN_UNKNOWN; i++) {
		struct sbuf out = {0};
		int status;

		if (i > 0)
			usleep(ASK_PAUSE);
		status = domain_tool(d->run, &out, DOMAIN_QUESTION);
		state = domain_answer(d, status, &out);
		sbuf_free(&out);
	}
	return state;
}

static bool destroyed(const struct domain *d)
{
	char *id;
	int status;

	if (d->id == 0)
		return false;
	id = xasprintf("%u", d->id);
	status = TOOL(d->run, NULL, "xl", "destroy", id);
	free(id);
	return status == 0;
}

bool domain_destroy(struct domain *d)
{
	for (int i = 0; i < ASK_AGAIN; i++)
		if (destroyed(d) || domain_find(d) == DOMAIN_GONE)
			return true;
	return false;
}
