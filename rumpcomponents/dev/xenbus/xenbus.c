/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding devices, and each one's way through its states.
 *
 * Everything happens in the lwp of xenstore's watches, the search included; the boot only waits,
 * for a while, until all devices have come up or will not.  What we see of the back end is its
 * state now and when we last looked: steps in between may have escaped us.
 *
 *  back end        we
 *  --------        --
 *  gone            disconnect; Initialising, for the next back end
 *  Initialising    the same
 *  InitWait        connect; Initialised.  Were we further: disconnect; Closed (below)
 *  Initialised     the same
 *  Connected       connected; Connected.  Were we not up: Closed, it speaks of others
 *  Closing         disconnect; Closed
 *  Closed          disconnect; Closed; if it is to come again, Initialising
 *
 * A driver that is bound anew to its device goes through InitWait, without having closed, and takes
 * up the rings that it finds, which are ours of before, while we see that.  So both begin from
 * Closed: whatever it has done by then, it undoes.
 *
 * A device whose driver refuses stays Closed until another back end begins, lest we and
 * this one go round for ever.
 */
#include <xen/io/xenbus.h>
#include <kern/component.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/mutex.h>
#include <kern/systm.h>
#include "xenbus_impl.h"

#define WAIT_SECONDS 10
#define SAID_MAX     7U	     /* messages of a device in a minute, and one more */
#define DOMID_LIMIT  0x7ff0U /* DOMID_FIRST_RESERVED */

LINK_SET_DECLARE(xenbus_drivers, const struct xenbus_driver);

/* The list, and of the devices xd_settled; the rest is the lwp's. */
static kmutex_t lock;
static kcondvar_t changed;
static TAILQ_HEAD(, xenbus_device) devices = TAILQ_HEAD_INITIALIZER(devices);
static bool searched;

void xenbus_complain(struct xenbus_device *xd, const char *fmt, ...)
{
	uint64_t since = xd->xd_said_at, now = nanouptime();
	char text[160];
	unsigned said;
	va_list ap;

	/* Several CPUs may: one of them begins anew. */
	if ((int64_t)(now - since) >= (int64_t)(60 * NSEC_PER_SEC) &&
	    __atomic_compare_exchange_n(
		&xd->xd_said_at, &since, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		xd->xd_said = 0;
	said = __atomic_fetch_add(&xd->xd_said, 1, __ATOMIC_RELAXED);
	if (said > SAID_MAX)
		return;
	va_start(ap, fmt);
	kvsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	kprintf("kiln: %s: %s%s\n", xd->xd_path, text,
	    said == SAID_MAX ? "; no more of it for a minute" : "");
}

/* ------------------------------------------------------------------ states */

static void settle(struct xenbus_device *xd)
{
	mutex_enter(&lock);
	xd->xd_settled = true;
	cv_signal(&changed);
	mutex_exit(&lock);
}

/* A write that fails shows in the back end's not going on. */
static void set_state(struct xenbus_device *xd, unsigned state)
{
	if (xd->xd_state != state)
		(void)xenstore_write_uint(XST_NIL, xd->xd_path, "state", state);
	xd->xd_state = state;
}

static void down(struct xenbus_device *xd, unsigned state)
{
	if (xd->xd_up)
		xd->xd_driver->xdr_disconnect(xd);
	xd->xd_up = xd->xd_connected = false;
	set_state(xd, state);
}

/* => down */
static void forget(struct xenbus_device *xd)
{
	if (xd->xd_driver->xdr_forget)
		xd->xd_driver->xdr_forget(xd);
}

static void refuse(struct xenbus_device *xd, const char *what, int error)
{
	xenbus_complain(xd, "%s: error %d", what, error);
	xd->xd_failed = true;
	xd->xd_state = XenbusStateUnknown; /* say it again, in case somebody overwrote it */
	down(xd, XenbusStateClosed);
	settle(xd);
}

/* By a back end that comes and goes, and each time keeps pages of ours, until there were none left.
 */
static void give_up(struct xenbus_device *xd)
{
	if (!xd->xd_given_up)
		xenbus_complain(xd, "its back end keeps %u pages of ours: given up", xd->xd_stuck);
	xd->xd_given_up = xd->xd_failed = true;
	set_state(xd, XenbusStateClosed);
	settle(xd);
}

static void connect(struct xenbus_device *xd)
{
	const struct xenbus_driver *xdr = xd->xd_driver;
	int error;

	if (xd->xd_failed || xd->xd_up)
		return;
	if (xenbus_keeps_too_much(xd)) {
		give_up(xd);
		return;
	}
	error = xdr->xdr_connect(xd);
	if (error) {
		refuse(xd, "does not connect", error);
		return;
	}
	xd->xd_up = true;
	xd->xd_given_up = false;
	set_state(xd, xdr->xdr_connected_first ? XenbusStateConnected : XenbusStateInitialised);
}

static void connected(struct xenbus_device *xd)
{
	const struct xenbus_driver *xdr = xd->xd_driver;
	int error;

	if (!xd->xd_up) {
		set_state(xd, XenbusStateClosed);
		return;
	}
	if (xd->xd_connected)
		return;
	error = xdr->xdr_connected ? xdr->xdr_connected(xd) : 0;
	if (error) {
		refuse(xd, "does not work with its back end", error);
		return;
	}
	xd->xd_connected = true;
	set_state(xd, XenbusStateConnected);
	settle(xd);
}

static void closed(struct xenbus_device *xd)
{
	uint64_t online;

	if (xd->xd_up || xd->xd_state != XenbusStateInitialising)
		down(xd, XenbusStateClosed);
	if (!xd->xd_failed && xenstore_read_uint(XST_NIL, xd->xd_backend, "online", &online) == 0 &&
	    online != 0)
		set_state(xd, XenbusStateInitialising);
	else
		settle(xd);
}

static bool waits(unsigned state)
{
	return state == XenbusStateInitWait || state == XenbusStateInitialised;
}

static void backend_changed(struct xenstore_watch *w)
{
	struct xenbus_device *xd = w->xw_arg;
	unsigned before = xd->xd_backend_state;
	uint64_t state;

	if (xenstore_read_uint(XST_NIL, xd->xd_backend, "state", &state) != 0)
		state = XenbusStateUnknown;
	xd->xd_backend_state = (unsigned)KMIN(state, XenbusStateReconfigured + 1UL);
	switch (state) {
	case XenbusStateUnknown:
	case XenbusStateInitialising:
		xd->xd_failed = false;
		down(xd, XenbusStateInitialising);
		break;
	case XenbusStateInitWait:
	case XenbusStateInitialised:
		if (xd->xd_up && !waits(before)) {
			down(xd, XenbusStateClosed);
			break;
		}
		if (!waits(before))
			xd->xd_failed = false;
		connect(xd);
		break;
	case XenbusStateConnected:
		connected(xd);
		break;
	case XenbusStateClosing:
		down(xd, XenbusStateClosed);
		break;
	case XenbusStateClosed:
		closed(xd);
		break;
	default: /* Reconfiguring and Reconfigured are none of ours */
		break;
	}
}

/* --------------------------------------------------------------- discovery */

static void watch_backend(struct xenbus_device *xd)
{
	int error;

	xd->xd_backend_state = XenbusStateUnknown;
	xd->xd_watch = (struct xenstore_watch){.xw_path = xd->xd_backend,
	    .xw_node = "state",
	    .xw_func = backend_changed,
	    .xw_arg = xd};
	error = xenstore_watch(&xd->xd_watch);
	if (error)
		refuse(xd, "no watch", error);
}

/* What the tools have laid down, if it makes sense; the driver's own beginning. */
static int attach(struct xenbus_device *xd, int error, const char *backend, uint64_t domid)
{
	if (!error && domid >= DOMID_LIMIT)
		error = EINVAL;
	if (error)
		return error;
	strlcpy(xd->xd_backend, backend, sizeof(xd->xd_backend));
	xd->xd_backend_domid = (unsigned)domid;
	return xd->xd_driver->xdr_attach(xd);
}

/* The device was detached and attached again, maybe to another domain's back end. */
static void move(struct xenbus_device *xd, const char *backend, uint64_t domid)
{
	uint64_t state;

	/* What we last wrote is not there any more. */
	if (!xd->xd_up && xenstore_read_uint(XST_NIL, xd->xd_path, "state", &state) == 0)
		xd->xd_state = (unsigned)KMIN(state, XenbusStateReconfigured + 1UL);
	if ((strcmp(backend, xd->xd_backend) == 0 && domid == xd->xd_backend_domid) ||
	    domid >= DOMID_LIMIT)
		return;
	xd->xd_failed = false;
	down(xd, XenbusStateInitialising);
	xenstore_unwatch(&xd->xd_watch);
	strlcpy(xd->xd_backend, backend, sizeof(xd->xd_backend));
	if (domid != xd->xd_backend_domid)
		forget(xd);
	xd->xd_backend_domid = (unsigned)domid;
	watch_backend(xd);
}

static void location_changed(struct xenstore_watch *w);

static void watch_domid(struct xenbus_device *xd)
{
	xd->xd_domid = (struct xenstore_watch){.xw_path = xd->xd_path,
	    .xw_node = "backend-id",
	    .xw_func = location_changed,
	    .xw_arg = xd};
	if (xenstore_watch(&xd->xd_domid) != 0)
		xd->xd_domid.xw_func = NULL; /* next time */
}

static void location_changed(struct xenstore_watch *w)
{
	struct xenbus_device *xd = w->xw_arg;
	char backend[XENSTORE_PATH_MAX];
	uint64_t domid = 0;
	int error;

	error = xenstore_read(XST_NIL, xd->xd_path, "backend", backend, sizeof(backend));
	if (!error)
		error = xenstore_read_uint(XST_NIL, xd->xd_path, "backend-id", &domid);
	if (xd->xd_attached) {
		/* Both are read at the start; the number may change after the path, if not at once.
		 */
		if (xd->xd_domid.xw_func == NULL)
			watch_domid(xd);
		if (!error)
			move(xd, backend, domid);
		return;
	}
	error = attach(xd, error, backend, domid);
	if (error) {
		xenbus_complain(xd, "left alone: error %d", error);
		xenstore_unwatch(w);
		settle(xd);
		return;
	}
	xd->xd_attached = true;
	watch_backend(xd);
}

/*
 * Another domain's devices: the same, for all that we know; the back ends are others, even if they
 * have the old one's path.
 */
static void moved(void)
{
	struct xenbus_device *xd;
	uint64_t domid;

	xenbus_channels_lost();
	TAILQ_FOREACH (xd, &devices, xd_list) {
		if (!xd->xd_attached)
			continue;
		/* What the driver asks of the back end, it is to ask the new one. */
		(void)xenstore_read(
		    XST_NIL, xd->xd_path, "backend", xd->xd_backend, sizeof(xd->xd_backend));
		if (xenstore_read_uint(XST_NIL, xd->xd_path, "backend-id", &domid) == 0 &&
		    domid < DOMID_LIMIT)
			xd->xd_backend_domid = (unsigned)domid;
		xd->xd_failed = xd->xd_given_up = false;
		xd->xd_backend_state = XenbusStateUnknown;
		down(xd, XenbusStateInitialising);
		forget(xd); /* whatever its number: grants stand, and nobody has them mapped */
	}
}

LINK_SET_ADD(xenstore_movers, moved);

static void found(const struct xenbus_driver *xdr, const char *name)
{
	struct xenbus_device *xd = kmem_zalloc(sizeof(*xd));
	int error;

	if (xd == NULL)
		return;
	xd->xd_driver = xdr;
	xd->xd_state = XenbusStateInitialising;
	if ((size_t)ksnprintf(xd->xd_path, sizeof(xd->xd_path), "device/%s/%s", xdr->xdr_type,
		name) >= sizeof(xd->xd_path)) {
		kmem_free(xd, sizeof(*xd));
		return;
	}
	mutex_enter(&lock);
	TAILQ_INSERT_TAIL(&devices, xd, xd_list);
	mutex_exit(&lock);
	xd->xd_location = (struct xenstore_watch){.xw_path = xd->xd_path,
	    .xw_node = "backend",
	    .xw_func = location_changed,
	    .xw_arg = xd};
	error = xenstore_watch(&xd->xd_location);
	if (error)
		refuse(xd, "no watch", error);
}

static void search(struct xenstore_watch *w)
{
	const struct xenbus_driver *const *xdr;
	char *names;
	size_t len;

	(void)w;
	LINK_SET_FOREACH (xdr, xenbus_drivers) {
		if (xenstore_directory(XST_NIL, "device", (*xdr)->xdr_type, &names, &len) != 0 ||
		    names == NULL)
			continue;
		for (size_t at = 0; at < len; at += strlen(names + at) + 1)
			found(*xdr, names + at);
		kmem_free(names, len);
	}
	mutex_enter(&lock);
	searched = true;
	cv_signal(&changed);
	mutex_exit(&lock);
}

static bool all_settled(void)
{
	struct xenbus_device *xd;

	TAILQ_FOREACH (xd, &devices, xd_list)
		if (!xd->xd_settled)
			return false;
	return searched;
}

static int xenbus_start(void)
{
	static struct xenstore_watch searching = {.xw_func = search};
	uint64_t deadline = nanouptime() + WAIT_SECONDS * NSEC_PER_SEC;
	struct xenbus_device *xd;
	int error = 0;

	mutex_init(&lock, MUTEX_DEFAULT);
	cv_init(&changed, "xenbus");
	if (xenstore_watch(&searching) != 0)
		return 0; /* not on Xen */
	xenstore_watch_run(&searching);
	mutex_enter(&lock);
	while (!error && !all_settled())
		error = cv_timedwait(&changed, &lock, deadline);
	if (error && !searched)
		kprintf("kiln: xenstore does not answer: going on without devices\n");
	TAILQ_FOREACH (xd, &devices, xd_list)
		if (!xd->xd_settled)
			xenbus_complain(xd, "back end in state %u after %u s: not waiting for it",
			    xd->xd_backend_state, WAIT_SECONDS);
	mutex_exit(&lock);
	return 0;
}

RUMP_COMPONENT(xenbus, RUMP_PHASE_DEV, xenbus_start);
