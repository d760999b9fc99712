/* SPDX-License-Identifier: BSD-2-Clause */
#include "start.h"
#include "kiln.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

struct parser {
	const char *option, *at;
};

static void bad(const struct parser *p, const char *why) __attribute__((noreturn));
static void bad(const struct parser *p, const char *why)
{
	errx(kiln_failure,
	    "%s: %s; accepted: [NAME=VALUE ...] PROGRAM [ARGUMENT ...], several of them with "
	    "\";\", \"&\" or \"|\" between them",
	    p->option, why);
}

/* The next word into *w; false at an operator or the end. */
static bool word(struct parser *p, struct sbuf *w)
{
	char quote = 0;

	p->at += strspn(p->at, " \t\n");
	if (*p->at == '\0' || strchr(";&|", *p->at) != NULL)
		return false;
	sbuf_puts(w, "");
	for (; *p->at != '\0' && (quote || strchr(" \t\n;&|", *p->at) == NULL); p->at++) {
		if (quote ? *p->at == quote : *p->at == '\'' || *p->at == '"') {
			quote = quote ? 0 : *p->at;
			continue;
		}
		if (*p->at == '\\' && quote != '\'' && p->at[1] != '\0')
			p->at++;
		sbuf_add(w, p->at, 1);
	}
	if (quote)
		bad(p, "a quote is not closed");
	return true;
}

/* One command and the operator behind it.  false: there is none. */
static bool command(struct parser *p, struct sbuf *json)
{
	struct strlist env = {0}, args = {0};
	struct sbuf w = {0};
	char *name = NULL;
	char then;

	while (word(p, &w)) {
		const char *eq = strchr(w.s, '=');

		if (name == NULL && eq != NULL && eq != w.s && strchr(w.s, '/') == NULL)
			strlist_setenv(&env, w.s);
		else if (name == NULL)
			name = xstrdup(w.s);
		else
			strlist_add(&args, w.s);
		sbuf_free(&w);
	}
	then = *p->at;
	if (then != '\0')
		p->at++;
	if (name == NULL) {
		if (then != '\0' || env.n > 0)
			bad(p, "a program is missing");
		return false;
	}
	if (json->len > 1)
		sbuf_puts(json, ",");
	sbuf_puts(json, "{\"name\":");
	sbuf_json(json, name);
	if (args.n > 0) {
		sbuf_puts(json, ",\"args\":");
		strlist_json(&args, ",", json);
	}
	if (env.n > 0) {
		sbuf_puts(json, ",\"env\":");
		strlist_json_env(&env, json);
	}
	if (then == '&' || then == '|')
		sbuf_printf(json, ",\"then\":\"%c\"", then);
	sbuf_puts(json, "}");
	if (then == '|' && p->at[strspn(p->at, " \t\n")] == '\0')
		bad(p, "a pipe has no end");
	return then != '\0';
}

void start_json(const char *option, const char *commands, struct sbuf *json)
{
	struct parser p = {option, commands};

	sbuf_puts(json, "[");
	while (command(&p, json))
		continue;
	sbuf_puts(json, "]");
	if (json->len == 2)
		bad(&p, "no program");
}
