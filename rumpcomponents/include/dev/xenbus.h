/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenbus: devices whose other half, the back end, runs in another domain.  Each half has a
 * directory in xenstore and publishes a state there (<xen/io/xenbus.h>); xenbus watches the
 * back end's and walks our half through its life:
 *
 * - attach: once, when the device is found: allocate what lives for ever.
 * - connect: the back end is in InitWait: read what it offers, grant rings, allocate event
 *   channels, publish all of that.  xenbus then sets Initialised, or Connected if the driver says
 *   xdr_connected_first.
 * - connected: the back end is Connected: read what it decided.  xenbus then sets Connected.
 * - disconnect: the back end is Closing or Closed, or went away, or connected failed: stop, take
 *   grants back, close channels.  What was under way is kept for the next connect, where the
 *   device can, or dropped.  xenbus then sets Closed.
 * - forget: the device has another back end now, or is in another machine: pages that were kept for
 *   the former one are to be freed, lest a stranger who has its domid there read them. Disconnected
 *   before.
 *
 * and again from connect when a restarted back end returns to InitWait.  All are called from one
 * kernel lwp, one at a time, and may sleep.  Nothing that the back end writes is believed
 * unchecked: a driver survives any value, and reports a device that makes no sense, once.
 */
#ifndef DEV_XENBUS_H
#define DEV_XENBUS_H

#include <stdbool.h>
#include <stdint.h>
#include <dev/xenstore.h>
#include <kern/linkset.h>

struct xenbus_device;

struct xenbus_driver {
	const char *xdr_type;			     /* "vif", "vbd": the directory below device/ */
	int (*xdr_attach)(struct xenbus_device *xd); /* 0 or errno: then it is left alone */
	/* errno: nothing of it is left; xenbus sets Closed and says why. */
	int (*xdr_connect)(struct xenbus_device *xd);
	/* errno: disconnect, Closed.  May be NULL. */
	int (*xdr_connected)(struct xenbus_device *xd);
	void (*xdr_disconnect)(struct xenbus_device *xd);
	void (*xdr_forget)(struct xenbus_device *xd); /* may be NULL */
	/*
	 * Its back ends wait for Connected and take no notice of Initialised: "vif" has it so,
	 * whose frames may be sent before the back end is there.
	 */
	bool xdr_connected_first;
};
/* Registers a struct xenbus_driver (static const). */
#define XENBUS_DRIVER(driver) LINK_SET_ADD(xenbus_drivers, driver)

struct xenbus_device {
	const struct xenbus_driver *xd_driver;
	char xd_path[XENSTORE_PATH_MAX];    /* ours: "device/vif/0" */
	char xd_backend[XENSTORE_PATH_MAX]; /* its: "/local/domain/0/backend/vif/3/0" */
	unsigned xd_backend_domid;
	void *xd_softc; /* the driver's own */

	/* xenbus's own. */
	struct xenstore_watch xd_watch;	     /* the back end's state */
	struct xenstore_watch xd_location;   /* which back end it is */
	struct xenstore_watch xd_domid;	     /* the same, if it was ever moved */
	unsigned xd_state, xd_backend_state; /* enum xenbus_state */
	bool xd_attached;		     /* the driver has it */
	bool xd_up;			     /* between connect and disconnect */
	bool xd_connected;		     /* the driver has been told so */
	bool xd_failed;			     /* the driver refused; only a new back end helps */
	bool xd_settled;		     /* the boot need not wait for it */
	bool xd_given_up;		     /* its back end keeps too much of ours */
	volatile unsigned xd_stuck;	     /* pages of rings that back ends keep; atomic */
	volatile unsigned xd_said;	     /* messages since xd_said_at; atomic */
	volatile uint64_t xd_said_at;
	TAILQ_ENTRY(xenbus_device) xd_list;
};

/*
 * A page shared with xd's back end: zeroed, granted.  It is kernel memory: *va is its address.
 * Those of rings live as long as a connection, others for as long as the device has the same back
 * end, until forget.  Any context but interrupt handlers.  ENOMEM, ENOSPC.
 */
int xenbus_ring_alloc(struct xenbus_device *xd, void **va, uint32_t *ref);
int xenbus_page_alloc(struct xenbus_device *xd, bool readonly, void **va, uint32_t *ref);
/*
 * Take it back.  A page that the back end doesn't let go is kept from all other use, since it may
 * still write, until it has: that is looked after every few seconds.  A back end that keeps too
 * many pages of rings gets no more.
 */
void xenbus_ring_free(struct xenbus_device *xd, void *va, uint32_t ref);
void xenbus_page_free(void *va, uint32_t ref);

/*
 * An event channel to xd's back end whose events call func(arg) in a soft interrupt on `cpu`; its
 * port is to be published.  It may be called without an event, before this returns (*chp is
 * set by then), and on another CPU, but never twice at once.  ENOMEM, ENOSPC: *chp is NULL.
 */
struct xenbus_channel;
int xenbus_channel_alloc(struct xenbus_device *xd, unsigned cpu, void (*func)(void *), void *arg,
    struct xenbus_channel **chp);
unsigned xenbus_channel_port(const struct xenbus_channel *ch);
void xenbus_channel_notify(struct xenbus_channel *ch);
/*
 * For func: it has had its turn, though there is more to do.  It is called again in a while, which
 * is everybody else's, and not before, whatever events come.
 */
void xenbus_channel_later(struct xenbus_channel *ch);
/* Afterwards func does not run and will not: sleeps until then, so not with a lock that it takes.
 */
void xenbus_channel_free(struct xenbus_channel *ch);

/*
 * A message on the console that names the device; fmt as kprintf(), of at most 159 characters.  Of
 * more than a few in a minute the rest is not shown: a back end may cause as many as it likes.
 */
void xenbus_complain(struct xenbus_device *xd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
