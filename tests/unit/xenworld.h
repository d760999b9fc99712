/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen, as dev's drivers see it through rumpuser.h: a store that an lwp of its own serves, event
 * channels, grants.  The store's tree can be looked at and changed, what it says can be made
 * wrong.
 *
 * Paths are relative to the domain's directory unless they begin with a slash.
 */
#ifndef XENWORLD_H
#define XENWORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/io/xs_wire.h>

/* Start the store and all components that are linked: 0 or errno. */
int xenworld_start(void);
/* Time passes until nothing happens any more, or waits for a time to come, of a second at most. */
void xenworld_settle(void);

/* A node's value; NULL: it is not there.  Its watches fire; NULL takes away what is below, too. */
void store_set(const char *path, const char *value);
/* NULL: no such node. */
const char *store_get(const char *path);

extern struct xenstore_domain_interface *store_page;
extern bool store_absent;	      /* rumpuser_xenstore() fails with ENOTSUP */
extern bool store_mute;		      /* it takes requests and answers none */
extern bool store_stopped;	      /* it takes none */
extern unsigned store_conflicts;      /* so many commits fail with EAGAIN */
extern unsigned store_refusals;	      /* so many watches are refused with ENOMEM */
extern unsigned store_requests;	      /* taken so far */
extern unsigned store_wakeups;	      /* notifications that it got */
extern struct xsd_sockmsg store_last; /* the last request that was taken */
extern char store_last_body[XENSTORE_PAYLOAD_MAX + 1];
/* If not 0, the type that answers have in the place of the request's. */
extern uint32_t store_answer_type;

/* Say something, an answer to store_last or anything at all. */
void store_say(uint32_t type, uint32_t id, const void *body, size_t len);
void store_say_bytes(const void *bytes, size_t len);
/* Interrupt the domain for the store. */
void store_interrupt(void);

/* Event channels: how often ours were notified, and notifying us. */
unsigned evtchn_notified(unsigned port);
void evtchn_raise(unsigned port);
unsigned evtchn_open(void); /* that are not closed; without the store's */
extern bool evtchn_fail;    /* no more of them */
extern bool evtchn_early;   /* they are notified before anybody has bound them */

/* Grants that stand; all of them are in use by the other end while grant_busy. */
unsigned grants_standing(void);
extern bool grant_busy, grant_fail;

/* What rumpuser_exit_asked() was told: 'e' end, 'r' restart, 0 nothing. */
extern char end_asked;

/*
 * rumpuser_suspend(): how often, whether we go on in another domain, what it returns, and what
 * happens meanwhile.
 */
extern unsigned suspends;
extern bool suspend_moves;
extern int suspend_error;
extern void (*suspend_meanwhile)(void);

#endif
