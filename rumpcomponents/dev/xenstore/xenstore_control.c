/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Xen's tools ask of the domain through control/shutdown (docs/misc/xenstore-paths.pandoc of
 * Xen).  The program gets SIGTERM, whether it is to power off, halt or reboot; what comes after its
 * end is the platform's.  To be suspended is nothing that it sees.  The acknowledgement is an empty
 * value, in a transaction lest a later wish be overwritten.
 *
 * None of it is urgent, and a wish that comes before we look is found then: the program is let run
 * first, which may well have ended by the time.
 */
#include <rumpuser.h>
#include <kern/callout.h>
#include <kern/component.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/random.h>
#include <kern/systm.h>
#include "xenstore_impl.h"

#define BEGIN_AFTER (500 * NSEC_PER_MSEC)
#define TRIES	    10 /* of a transaction that others come into the way of */

LINK_SET_DECLARE(xenstore_users, xenstore_user_t);
LINK_SET_DECLARE(xenstore_movers, xenstore_user_t);

extern __typeof(random_reseed) random_reseed __attribute__((weak));

/* Say what we heed. */
static void publish(void)
{
	(void)xenstore_write(XST_NIL, "control", "feature-poweroff", "1");
	(void)xenstore_write(XST_NIL, "control", "feature-reboot", "1");
	(void)xenstore_write(XST_NIL, "control", "feature-suspend", "1");
}

static void suspend(void)
{
	xenstore_user_t *const *mover;

	if (!xenstore_suspend())
		return;
	publish();
	/* Who was saved may be restored twice. */
	if (random_reseed != NULL)
		random_reseed();
	LINK_SET_FOREACH (mover, xenstore_movers)
		(*mover)();
	xenstore_watch_again();
}

static void end(void)
{
	rumpuser_exit_asked(false);
	proc_power_button();
}

static void reboot(void)
{
	rumpuser_exit_asked(true);
	proc_power_button();
}

static const struct wish {
	char name[9];
	void (*grant)(void);
} wishes[] = {{"poweroff", end}, {"halt", end}, {"reboot", reboot}, {"suspend", suspend}};

/* NULL: none of ours. */
static const struct wish *find(const char *name)
{
	for (size_t i = 0; i < NELEM(wishes); i++)
		if (strcmp(wishes[i].name, name) == 0)
			return &wishes[i];
	return NULL;
}

/* Read the wish and take it away, at once; 0 if it is one of ours. */
static int take(const struct wish **wish)
{
	char what[16];
	uint32_t tx;
	int error, end;

	error = xenstore_transaction_start(&tx);
	if (error)
		return error;
	error = xenstore_read(tx, "control", "shutdown", what, sizeof(what));
	*wish = error ? NULL : find(what);
	if (!error)
		error = *wish != NULL ? xenstore_write(tx, "control", "shutdown", "") : EINVAL;
	end = xenstore_transaction_end(tx, error == 0);
	return error ? error : end;
}

static void shutdown_changed(struct xenstore_watch *w)
{
	const struct wish *wish = NULL;
	char what[16];
	int error = xenstore_read(XST_NIL, "control", "shutdown", what, sizeof(what));

	(void)w;
	if (error || find(what) == NULL)
		return;
	for (unsigned n = 0; n < TRIES; n++) {
		error = take(&wish);
		if (error != EAGAIN)
			break;
	}
	if (!error)
		wish->grant();
}

/* In the lwp of the watches. */
static void begin(struct xenstore_watch *w)
{
	static struct xenstore_watch shutdown = {
	    .xw_path = "control", .xw_node = "shutdown", .xw_func = shutdown_changed};
	xenstore_user_t *const *user;

	(void)w;
	LINK_SET_FOREACH (user, xenstore_users)
		(*user)();
	if (xenstore_watch(&shutdown) == 0)
		publish();
}

static void begin_soon(void *arg)
{
	static struct xenstore_watch beginning = {.xw_func = begin};

	(void)arg;
	if (xenstore_watch(&beginning) == 0)
		xenstore_watch_run(&beginning);
}

static int control_init(void)
{
	static callout_t later;

	xenstore_wire_init();
	callout_init(&later, begin_soon, NULL);
	callout_schedule(&later, BEGIN_AFTER);
	return 0;
}

RUMP_COMPONENT(xenstore, RUMP_PHASE_KERN, control_init);
