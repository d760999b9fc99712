/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Xen's tools ask of the domain through control/shutdown (docs/misc/xenstore-paths.pandoc of
 * Xen).  The program gets SIGTERM, whether it is to power off, halt or reboot; what comes after its
 * end is the platform's.  The acknowledgement is an empty value, in a transaction lest a later wish
 * be overwritten.
 */
#include <rumpuser.h>
#include <kern/lwp.h>
#include <kern/systm.h>
#include "xenstore_impl.h"

#define TRIES 10 /* of a transaction that others come into the way of */

static bool is_ours(const char *what)
{
	return strcmp(what, "poweroff") == 0 || strcmp(what, "halt") == 0 ||
	       strcmp(what, "reboot") == 0;
}

/* Read the wish and take it away, at once; 0 if it is one of ours. */
static int take(char *what, size_t size)
{
	uint32_t tx;
	int error, end;

	error = xenstore_transaction_start(&tx);
	if (error)
		return error;
	error = xenstore_read(tx, "control", "shutdown", what, size);
	if (!error)
		error = is_ours(what) ? xenstore_write(tx, "control", "shutdown", "") : EINVAL;
	end = xenstore_transaction_end(tx, error == 0);
	return error ? error : end;
}

static void shutdown_changed(struct xenstore_watch *w)
{
	char what[16];
	int error = xenstore_read(XST_NIL, "control", "shutdown", what, sizeof(what));

	(void)w;
	if (error || !is_ours(what))
		return;
	for (unsigned n = 0; n < TRIES; n++) {
		error = take(what, sizeof(what));
		if (error != EAGAIN)
			break;
	}
	if (error)
		return;
	rumpuser_exit_asked(strcmp(what, "reboot") == 0);
	proc_power_button();
}

void xenstore_control_start(void)
{
	static struct xenstore_watch shutdown = {
	    .xw_path = "control", .xw_node = "shutdown", .xw_func = shutdown_changed};

	if (xenstore_watch(&shutdown) == 0) {
		(void)xenstore_write(XST_NIL, "control", "feature-poweroff", "1");
		(void)xenstore_write(XST_NIL, "control", "feature-reboot", "1");
	}
}
