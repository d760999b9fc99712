/* SPDX-License-Identifier: BSD-2-Clause */
/* run_domain.h - what xl knows of our domain, and does to it; for run_domain.c. */
#ifndef KILN_RUN_DOMAIN_H
#define KILN_RUN_DOMAIN_H

#include "job.h"
#include "run.h"

enum domain_state {
	DOMAIN_RUNS,
	DOMAIN_SUSPENDED, /* it is being saved or moved, and may go on here */
	DOMAIN_ENDED,	  /* it is there still, and does nothing more */
	DOMAIN_GONE,
	DOMAIN_UNKNOWN, /* xl does not say */
};

struct domain {
	const struct run *run;
	unsigned id;	     /* 0: not known yet; domain_find() knows it by its UUID */
	unsigned unanswered; /* questions, since the last answer */
};

/* The exit status of a tool, or -1; what it prints to *out, or else into the void. */
int domain_tool(const struct run *r, struct sbuf *out, const char *const argv[]);
#define TOOL(r, out, ...) domain_tool(r, out, (const char *const[]){__VA_ARGS__, NULL})

/* Begin something like that; true if it has begun. */
bool domain_job(const struct run *r, struct job *j, const char *const argv[]);
#define DOMAIN_QUESTION ((const char *const[]){"xl", "list", "-v", NULL})

/* What the answer to that question means, given the exit status. */
enum domain_state domain_answer(struct domain *d, int status, const struct sbuf *out);

/* Ask, wait for the answer, and have some patience. */
enum domain_state domain_find(struct domain *d);

/* Whatever there is of our domain must go, and nobody else's.  Returns false if it may be there
 * still. */
bool domain_destroy(struct domain *d);

/* The last line that a tool printed, which may have had something to say before; to be freed. */
char *last_line(const struct sbuf *s);

#endif
