/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices and their back ends: every way through the states, the proper one and others. */
#include <string.h>

#include <xen/io/xenbus.h>
#include <dev/xenbus.h>
#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/systm.h>
#include <rumpuser.h>

#include "check_main.h"
#include "native.h"
#include "xenworld.h"

#define BACK "/local/domain/3/backend/vbd/7/51712"
#define VIF  "/local/domain/0/backend/vif/7/0"

/* What the driver was asked, a letter each: a c C d f. */
static char story[200];
static int attach_error, connect_error, connected_error;
static struct xenbus_device *device;
static void *ring;
static uint32_t ref;
static struct xenbus_channel *channel;
static unsigned events;

static void tell(char c)
{
	size_t n = strlen(story);

	ck_assert_uint_lt(n + 1, sizeof(story));
	story[n] = c;
	story[n + 1] = '\0';
}

static void event(void *arg)
{
	ck_assert_ptr_eq(arg, device);
	events++;
}

static int attach(struct xenbus_device *xd)
{
	tell('a');
	if (!attach_error)
		device = xd;
	return attach_error;
}

static int connect(struct xenbus_device *xd)
{
	int error;

	tell('c');
	ck_assert(!channel);
	if (connect_error)
		return connect_error;
	error = xenbus_ring_alloc(xd, &ring, &ref);
	if (error)
		return error;
	error = xenbus_channel_alloc(xd, 0, event, xd, &channel);
	if (error)
		xenbus_ring_free(xd, ring, ref);
	else
		(void)xenstore_write_uint(
		    XST_NIL, xd->xd_path, "event-channel", xenbus_channel_port(channel));
	return error;
}

static int connected(struct xenbus_device *xd)
{
	tell('C');
	return connected_error;
}

static void disconnect(struct xenbus_device *xd)
{
	tell('d');
	xenbus_ring_free(xd, ring, ref);
	xenbus_channel_free(channel);
	channel = NULL;
}

static void forget(struct xenbus_device *xd)
{
	ck_assert(!channel && !xd->xd_up);
	tell('f');
}

static const struct xenbus_driver vbd = {.xdr_type = "vbd",
    .xdr_attach = attach,
    .xdr_connect = connect,
    .xdr_connected = connected,
    .xdr_disconnect = disconnect,
    .xdr_forget = forget};
XENBUS_DRIVER(vbd);

static int vif_none(struct xenbus_device *xd)
{
	return 0;
}

static void vif_disconnect(struct xenbus_device *xd)
{
}

static const struct xenbus_driver vif = {.xdr_type = "vif",
    .xdr_attach = vif_none,
    .xdr_connect = vif_none,
    .xdr_disconnect = vif_disconnect,
    .xdr_connected_first = true};
XENBUS_DRIVER(vif);

void proc_power_button(void)
{
}

/* ----------------------------------------------------------------- the back end */

static void back(const char *state)
{
	store_set(BACK "/state", state);
	xenworld_settle();
}

/* What it was asked since the last time, and the state that we show. */
static void expect(const char *asked, const char *state)
{
	ck_assert_str_eq(story, asked);
	ck_assert_str_eq(store_get("device/vbd/51712/state"), state);
	story[0] = '\0';
}

static bool reacts; /* as Linux's does */

/* A well-behaved back end, which looks at us every so often. */
static void backend_lwp(void *arg)
{
	for (;;) {
		const char *front = store_get("device/vbd/51712/state"), *state, *online;

		state = store_get(BACK "/state");
		online = store_get(BACK "/online");
		if (reacts && state && front && *state == '2' && *front == '3')
			store_set(BACK "/state", "4");
		else if (reacts && state && front && *state == '6' && *front == '1' && online &&
			 *online == '1')
			store_set(BACK "/state", "2");
		(void)lwp_sleep_until(native_now() + 10 * NSEC_PER_MSEC, "the front end");
	}
}

static void lay_down(const char *state)
{
	store_set("device/vbd/51712/state", "1");
	store_set("device/vbd/51712/backend", BACK);
	store_set("device/vbd/51712/backend-id", "3");
	store_set(BACK "/state", state);
	store_set(BACK "/online", "1");
}

/* With the store's tree as it is. */
static void start(void)
{
	native_quiet = true;
	reacts = true;
	ck_assert_int_eq(kthread_create(PRI_KTHREAD, -1, backend_lwp, NULL, "back"), 0);
	ck_assert_int_eq(xenworld_start(), 0);
}

/* A device that has come up, and a back end that does nothing of its own. */
static void setup(void)
{
	lay_down("2");
	start();
	reacts = false;
	expect("acC", "4");
	ck_assert(device->xd_up && device->xd_settled);
	ck_assert_uint_eq(device->xd_backend_domid, 3);
	ck_assert_str_eq(device->xd_path, "device/vbd/51712");
}

static void teardown(void)
{
	ck_assert_uint_eq(native_locks_held(), 0);
}

/* -------------------------------------------------------------------- at boot */

START_TEST(boot_waits_until_connected)
{
	uint64_t begin = native_now();

	lay_down("2");
	start();
	expect("acC", "4");
	ck_assert_uint_lt(native_now() - begin, NSEC_PER_SEC);
	ck_assert_str_eq(native_console(), "");
	ck_assert_uint_eq(
	    atoi(store_get("device/vbd/51712/event-channel")), xenbus_channel_port(channel));
}
END_TEST

START_TEST(boot_gives_up_in_the_end)
{
	uint64_t begin = native_now();

	lay_down("1");
	start();
	ck_assert_uint_ge(native_now() - begin, 10 * NSEC_PER_SEC);
	ck_assert_uint_lt(native_now() - begin, 11 * NSEC_PER_SEC);
	ck_assert_ptr_nonnull(strstr(native_console(), "device/vbd/51712: back end in state 1"));
	expect("a", "1");
	/* It may still come. */
	back("2");
	xenworld_settle();
	expect("cC", "4");
}
END_TEST

START_TEST(boot_without_devices_waits_for_nothing)
{
	uint64_t begin = native_now();

	start();
	ck_assert_str_eq(story, "");
	ck_assert_uint_lt(native_now() - begin, NSEC_PER_SEC);
}
END_TEST

START_TEST(boot_without_a_store_waits_for_nothing)
{
	uint64_t begin = native_now();

	store_absent = true;
	start();
	ck_assert_uint_lt(native_now() - begin, NSEC_PER_SEC);
}
END_TEST

START_TEST(boot_with_a_mute_store_gives_up)
{
	store_mute = true;
	start();
	ck_assert_ptr_nonnull(strstr(native_console(), "xenstore does not answer"));
}
END_TEST

START_TEST(boot_with_a_broken_store_goes_on)
{
	static const struct xsd_sockmsg head = {.len = 9999};

	lay_down("1");
	store_say_bytes(&head, sizeof(head));
	start();
	ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(closed_device_is_not_waited_for)
{
	uint64_t begin = native_now();

	lay_down("6");
	store_set(BACK "/online", "0");
	start();
	expect("a", "1");
	ck_assert_uint_lt(native_now() - begin, NSEC_PER_SEC);
}
END_TEST

START_TEST(closed_device_that_is_online_comes_again)
{
	lay_down("6");
	start();
	expect("acC", "4");
}
END_TEST

START_TEST(device_that_makes_no_sense_is_left_alone)
{
	static const char *const bad_id[] = {"", "x", "-1", "32752", "99999999999999999999"};
	char node[300];

	lay_down("2");
	store_set("device/vbd/51712/backend-id", bad_id[_i]);
	store_set("device/vbd/1/backend", BACK); /* no backend-id */
	store_set("device/vbd/2/state", "1");	 /* no backend */
	memset(node, 'b', sizeof(node) - 1);
	node[sizeof(node) - 1] = '\0';
	store_set("device/vbd/3/backend", node);
	store_set("device/vbd/3/backend-id", "0");
	memcpy(node, "device/vbd/", 11);
	store_set(node, "1");
	start();
	ck_assert_str_eq(story, "");
	ck_assert_ptr_nonnull(strstr(native_console(), "kiln: device/vbd/51712: left alone"));
	ck_assert_ptr_nonnull(strstr(native_console(), "kiln: device/vbd/3: left alone"));
}
END_TEST

START_TEST(attach_that_fails_leaves_it_alone)
{
	attach_error = ENOTSUP;
	lay_down("2");
	start();
	expect("a", "1");
	back("4");
	back("5");
	expect("", "1");
}
END_TEST

START_TEST(attach_without_memory_leaves_it_alone)
{
	size_t live;

	lay_down("2");
	native_alloc_fail(_i);
	start();
	xenworld_settle();
	native_alloc_fail(-1);
	live = native_alloc_live();
	/* Whatever failed, nothing of it is left when the back end goes. */
	back("6");
	store_set(BACK, NULL);
	xenworld_settle();
	ck_assert_uint_le(native_alloc_live(), live);
	ck_assert_uint_eq(grants_standing(), 0);
	ck_assert_uint_eq(evtchn_open(), 0);
}
END_TEST

START_TEST(network_devices_are_connected_first)
{
	store_set("device/vif/0/state", "1");
	store_set("device/vif/0/backend", VIF);
	store_set("device/vif/0/backend-id", "0");
	store_set(VIF "/state", "2");
	start();
	ck_assert_str_eq(store_get("device/vif/0/state"), "4");
	ck_assert_ptr_nonnull(strstr(native_console(), "device/vif/0: back end in state 2"));
	store_set(VIF "/state", "4");
	xenworld_settle();
	store_set(VIF "/state", "6");
	xenworld_settle();
	ck_assert_str_eq(store_get("device/vif/0/state"), "6");
}
END_TEST

/* ----------------------------------------------------------------- afterwards */

START_TEST(closing_disconnects)
{
	back("5");
	expect("d", "6");
	ck_assert_uint_eq(grants_standing(), 0);
	ck_assert_uint_eq(evtchn_open(), 0);
	back("6");
	expect("", "1"); /* it is online */
	back("2");
	expect("c", "3");
	back("4");
	expect("C", "4");
}
END_TEST

START_TEST(closed_without_closing_disconnects)
{
	store_set(BACK "/online", "0");
	back("6");
	expect("d", "6");
	back("6");
	expect("", "6");
	/* Another begins all the same. */
	back("2");
	expect("c", "3");
}
END_TEST

START_TEST(backend_that_vanishes_is_waited_for)
{
	store_set(BACK, NULL);
	xenworld_settle();
	expect("d", "1");
	back("1");
	expect("", "1");
	back("2");
	expect("c", "3");
	back("4");
	expect("C", "4");
}
END_TEST

START_TEST(restart_that_went_unseen_begins_from_closed)
{
	back("2");
	expect("d", "6");
	back("4"); /* with our rings of before */
	expect("", "6");
	back("6");
	expect("", "1");
	back("2");
	expect("c", "3");
	back("4");
	expect("C", "4");
	back("1");
	expect("d", "1");
}
END_TEST

START_TEST(states_told_twice_do_nothing)
{
	unsigned before;

	back("4");
	expect("", "4");
	back("1");
	back("2");
	expect("dc", "3");
	back("2");
	back("3");
	expect("", "3");
	back("5");
	expect("d", "6");
	back("5");
	back("5");
	expect("", "6");
	back("6");
	before = store_requests;
	back("6");
	back("6");
	ck_assert_uint_eq(store_requests, before + 4); /* state and online, no writes */
}
END_TEST

START_TEST(connected_before_us_is_closed)
{
	back("6");
	expect("d", "1");
	back("4");
	expect("", "6");
	back("4");
	expect("", "6");
	back("5");
	back("6");
	expect("", "1");
	back("2");
	back("4");
	expect("cC", "4");
}
END_TEST

START_TEST(nonsense_states_do_nothing)
{
	static const char *const bad[] = {"7", "8", "9", "4294967300", "18446744073709551615"};

	back(bad[_i]);
	expect("", "4");
	ck_assert(device->xd_up);
	/* What is no number is no state. */
	back("four");
	expect("d", "1");
}
END_TEST

START_TEST(connect_that_fails_waits_for_another_backend)
{
	connect_error = EINVAL;
	back("1");
	back("2");
	expect("dc", "6");
	ck_assert_ptr_nonnull(
	    strstr(native_console(), "device/vbd/51712: does not connect: error"));
	back("6");
	expect("", "6"); /* although it is online */
	back("5");
	back("4");
	expect("", "6");
	connect_error = 0;
	back("1");
	expect("", "1");
	back("2");
	expect("c", "3");
}
END_TEST

START_TEST(connected_that_fails_closes)
{
	back("1");
	back("2");
	expect("dc", "3");
	connected_error = EINVAL;
	back("4");
	expect("Cd", "6");
	ck_assert_uint_eq(grants_standing(), 0);
	back("4");
	expect("", "6");
}
END_TEST

START_TEST(resources_that_run_out_fail_connect)
{
	back("5");
	story[0] = '\0';
	grant_fail = _i == 0;
	evtchn_fail = _i == 1;
	back("2");
	expect("c", "6");
	grant_fail = evtchn_fail = false;
	ck_assert_uint_eq(grants_standing(), 0);
	ck_assert_uint_eq(evtchn_open(), 0);
}
END_TEST

START_TEST(detached_device_stays_closed)
{
	store_set(BACK "/online", "0");
	back("5");
	expect("d", "6");
	back("6");
	expect("", "6");
	store_set("device/vbd/51712", NULL);
	store_set(BACK, NULL);
	xenworld_settle();
	ck_assert_str_eq(story, "");
}
END_TEST

START_TEST(device_may_move_to_another_back_end)
{
	static const char other[] = "/local/domain/5/backend/vbd/7/51712";

	store_set(BACK, NULL);
	xenworld_settle();
	expect("d", "1");
	store_set("/local/domain/5/backend/vbd/7/51712/state", "2");
	store_set("device/vbd/51712/backend-id", "5");
	store_set("device/vbd/51712/backend", other);
	xenworld_settle();
	expect("fc", "3");
	ck_assert_uint_eq(device->xd_backend_domid, 5);
	store_set("/local/domain/5/backend/vbd/7/51712/state", "4");
	xenworld_settle();
	expect("C", "4");
	/* The old one means nothing any more. */
	back("5");
	expect("", "4");
	/* Nor does a place that makes no sense. */
	store_set("device/vbd/51712/backend-id", "99999");
	store_set("device/vbd/51712/backend", BACK);
	xenworld_settle();
	expect("", "4");
}
END_TEST

/* The number is written after the path, and not at once: until then it is the old one's. */
START_TEST(device_may_move_in_two_steps)
{
	static const char other[] = "/local/domain/5/backend/vbd/7/51712";

	store_set(BACK, NULL);
	xenworld_settle();
	expect("d", "1");
	store_set("/local/domain/5/backend/vbd/7/51712/state", "1");
	store_set("device/vbd/51712/backend", other);
	xenworld_settle();
	ck_assert_uint_eq(device->xd_backend_domid, 3);
	store_set("device/vbd/51712/backend-id", "5");
	xenworld_settle();
	ck_assert_uint_eq(device->xd_backend_domid, 5);
	expect("f", "1");
	store_set("/local/domain/5/backend/vbd/7/51712/state", "2");
	xenworld_settle();
	expect("c", "3");
	/* With another number it is another domain, whatever the path. */
	store_set("device/vbd/51712/backend-id", "6");
	xenworld_settle();
	expect("dfc", "3");
	ck_assert_uint_eq(device->xd_backend_domid, 6);
}
END_TEST

START_TEST(device_attached_again_begins_anew)
{
	store_set(BACK "/online", "0");
	back("5");
	back("6");
	expect("d", "6");
	store_set("device/vbd/51712", NULL);
	store_set(BACK, NULL);
	xenworld_settle();
	lay_down("2");
	xenworld_settle();
	expect("c", "3");
	connect_error = EINVAL;
	back("1");
	back("2");
	expect("dc", "6");
	/* Closed as before, but the tools have begun anew: it must be said again. */
	store_set("device/vbd/51712", NULL);
	store_set(BACK, NULL);
	xenworld_settle();
	lay_down("2");
	xenworld_settle();
	expect("c", "6");
}
END_TEST

/* ------------------------------------------------------------ rings, channels */

START_TEST(ring_in_use_is_kept_until_it_is_not)
{
	size_t live = native_alloc_live();

	grant_busy = true;
	back("1");
	back("2");
	expect("dc", "3");
	ck_assert_uint_eq(grants_standing(), 2);
	back("1");
	back("2");
	ck_assert_uint_eq(grants_standing(), 3);
	grant_busy = false;
	back("1");
	back("2");
	ck_assert_uint_eq(grants_standing(), 1);
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

/* It may let go when nothing else happens any more. */
START_TEST(ring_in_use_is_looked_after)
{
	size_t live = native_alloc_live();

	grant_busy = true;
	back("1");
	ck_assert_uint_eq(grants_standing(), 1);
	native_advance(60 * NSEC_PER_SEC);
	ck_assert_uint_eq(device->xd_stuck, 1);
	grant_busy = false;
	native_advance(6 * NSEC_PER_SEC);
	ck_assert_uint_eq(grants_standing(), 0);
	ck_assert_uint_eq(device->xd_stuck, 0);
	ck_assert_uint_lt(native_alloc_live(), live);
}
END_TEST

/* That takes no memory; and who finds none tries those that others keep. */
START_TEST(ring_in_use_is_known_without_memory)
{
	unsigned long before;
	uint32_t refs[2];
	void *va[2];

	ck_assert_int_eq(xenbus_ring_alloc(device, &va[0], &refs[0]), 0);
	before = native_alloc_count();
	grant_busy = true;
	xenbus_ring_free(device, va[0], refs[0]);
	ck_assert_uint_eq(native_alloc_count(), before);
	ck_assert_uint_eq(device->xd_stuck, 1);
	grant_busy = false;
	native_alloc_fail(1);
	ck_assert_int_eq(xenbus_ring_alloc(device, &va[1], &refs[1]), 0);
	ck_assert_uint_eq(device->xd_stuck, 0);
	for (unsigned i = 0; i < 2; i++) {
		unsigned standing = grants_standing();
		size_t live = native_alloc_live();
		int error;

		native_alloc_fail(i);
		error = xenbus_page_alloc(device, true, &va[0], &refs[0]);
		ck_assert_int_eq(error, i == 0 ? ENOMEM : 0);
		if (!error)
			xenbus_page_free(va[0], refs[0]);
		ck_assert_uint_eq(grants_standing(), standing);
		ck_assert_uint_eq(native_alloc_live(), live);
	}
	native_alloc_fail(-1);
	xenbus_ring_free(device, va[1], refs[1]);
}
END_TEST

static unsigned lines(const char *needle)
{
	unsigned n = 0;

	for (const char *p = native_console(); (p = strstr(p, needle)) != NULL; p++)
		n++;
	return n;
}

START_TEST(back_end_that_keeps_all_rings_is_given_up)
{
	size_t live = native_alloc_live();
	unsigned kept;

	grant_busy = true;
	cpu_count = 1;
	for (unsigned i = 0; i < 12; i++) {
		back("1");
		back("2");
		story[0] = '\0';
	}
	kept = grants_standing();
	ck_assert_uint_eq(kept, 8);
	expect("", "6");
	ck_assert_uint_eq(lines("given up"), 1);
	ck_assert_uint_eq(evtchn_open(), 0);
	/* Once it has let go it is one like any other. */
	grant_busy = false;
	back("1");
	back("2");
	expect("c", "3");
	back("4");
	expect("C", "4");
	ck_assert_uint_eq(grants_standing(), 1);
	ck_assert_uint_eq(native_alloc_live(), live);
	/* So if it does the same again, that is said again. */
	native_advance(61 * NSEC_PER_SEC);
	grant_busy = true;
	for (unsigned i = 0; i < 12; i++) {
		back("1");
		back("2");
		story[0] = '\0';
	}
	ck_assert_uint_eq(lines("given up"), 2);
	ck_assert_int_eq(lines("\n"), lines("kiln: "));
}
END_TEST

START_TEST(complaints_are_limited)
{
	connect_error = EINVAL;
	for (unsigned i = 0; i < 12; i++) {
		back("1");
		back("2");
		story[0] = '\0';
		native_advance(100 * NSEC_PER_MSEC); /* and settling takes some */
	}
	ck_assert_uint_eq(lines("does not connect"), 8);
	ck_assert_uint_eq(lines("no more of it"), 1);
	native_advance(61 * NSEC_PER_SEC);
	back("1");
	back("2");
	ck_assert_uint_eq(lines("does not connect"), 9);
}
END_TEST

START_TEST(ring_is_a_page_of_zeros)
{
	static const char zeros[4096];

	ck_assert_uint_eq((uintptr_t)ring % 4096, 0);
	ck_assert_mem_eq(ring, zeros, 4096);
}
END_TEST

START_TEST(channel_calls_and_notifies)
{
	unsigned port = xenbus_channel_port(channel);

	evtchn_raise(port);
	xenworld_settle();
	ck_assert_uint_eq(events, 1);
	xenbus_channel_notify(channel);
	ck_assert_uint_eq(evtchn_notified(port), 1);
}
END_TEST

START_TEST(channels_are_used_again)
{
	size_t live = native_alloc_live();

	/* Many more than there are interrupt numbers. */
	for (unsigned i = 0; i < 200; i++) {
		back("1");
		back("2");
		expect("dc", "3");
	}
	events = 0;
	evtchn_raise(xenbus_channel_port(channel));
	xenworld_settle();
	ck_assert_uint_eq(events, 1);
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

static struct xenbus_channel *second;
static bool inside, freed;
static unsigned calls;

/* Soft interrupts are run by whichever lwp is about to. */
static void soft(void)
{
	(void)lwp_sleep_until(native_now() + 100000, "soft interrupts");
}

static void free_it(void *arg)
{
	xenbus_channel_free(second);
	freed = true;
}

/* On another lwp the channel is freed, which is not over before this is. */
static void slow(void *arg)
{
	calls++;
	inside = true;
	ck_assert_int_eq(kthread_create(PRI_KTHREAD, -1, free_it, NULL, "free"), 0);
	(void)lwp_sleep_until(native_now() + 100 * NSEC_PER_MSEC, "a moment");
	ck_assert(!freed);
	inside = false;
}

static void raise_all(void)
{
	for (unsigned irq = RUMPUSER_IRQ_DEVICE; irq < RUMPUSER_IRQ_MAX; irq++)
		(void)native_intr(irq);
	xenworld_settle();
}

START_TEST(channel_is_not_freed_while_its_function_runs)
{
	ck_assert_int_eq(xenbus_channel_alloc(device, 0, slow, NULL, &second), 0);
	evtchn_raise(xenbus_channel_port(second));
	xenworld_settle();
	ck_assert(freed && !inside);
	/* An interrupt that was on its way, or a turn that was to come, has nobody to call. */
	raise_all();
	ck_assert_uint_eq(calls, 1);
}
END_TEST

static void early(void *arg)
{
	calls++;
	ck_assert_ptr_nonnull(second);
	xenbus_channel_later(second);
}

/* By an interrupt of a former use, or by who guessed what was not published yet. */
START_TEST(channel_is_known_when_its_function_is_called)
{
	ck_assert_int_eq(xenbus_channel_alloc(device, 0, event, device, &second), 0);
	xenbus_channel_free(second);
	second = NULL;
	evtchn_early = true;
	ck_assert_int_eq(xenbus_channel_alloc(device, 0, early, NULL, &second), 0);
	evtchn_early = false;
	soft();
	ck_assert_uint_eq(calls, 1);
	xenbus_channel_free(second);
	evtchn_fail = true;
	ck_assert_int_eq(xenbus_channel_alloc(device, 0, early, NULL, &second), ENOSPC);
	ck_assert_ptr_null(second);
	evtchn_fail = false;
}
END_TEST

static void not_yet(void *arg)
{
	if (++calls < 3)
		xenbus_channel_later(second);
}

START_TEST(channel_function_may_go_on_later)
{
	ck_assert_int_eq(xenbus_channel_alloc(device, 0, not_yet, NULL, &second), 0);
	evtchn_raise(xenbus_channel_port(second));
	soft();
	ck_assert_uint_eq(calls, 1);
	xenworld_settle();
	ck_assert_uint_eq(calls, 3);
	calls = 1;
	xenbus_channel_later(second);
	xenbus_channel_free(second);
	xenworld_settle();
	ck_assert_uint_eq(calls, 1);
}
END_TEST

/* A back end that has events come is not called for them before its time. */
START_TEST(channel_function_rests_whatever_comes)
{
	uint64_t begin;

	ck_assert_int_eq(xenbus_channel_alloc(device, 0, not_yet, NULL, &second), 0);
	begin = native_now();
	for (unsigned i = 0; i < 9; i++) {
		evtchn_raise(xenbus_channel_port(second));
		soft();
		ck_assert_uint_eq(calls, 1);
	}
	ck_assert_uint_lt(native_now() - begin, NSEC_PER_MSEC);
	xenworld_settle();
	ck_assert_uint_eq(calls, 3);
	/* Nor does the next user of it rest. */
	calls = 1;
	xenbus_channel_later(second);
	xenbus_channel_free(second);
	ck_assert_int_eq(xenbus_channel_alloc(device, 0, event, device, &second), 0);
	events = 0;
	evtchn_raise(xenbus_channel_port(second));
	soft();
	ck_assert_uint_eq(events, 1);
	xenbus_channel_free(second);
}
END_TEST

#define BACK2 "/local/domain/0/backend/vbd/8/51712"

/* The tools' half of another domain's device: loop 0 at another place, 1 with the old one's path, 2
 * gone. */
static int place;

static void other_device(void)
{
	store_set(BACK, NULL);
	store_set("device", NULL);
	if (place == 2)
		return;
	lay_down("2");
	if (place == 1)
		return;
	store_set(BACK, NULL);
	store_set("device/vbd/51712/backend", BACK2);
	store_set("device/vbd/51712/backend-id", "0");
	store_set(BACK2 "/state", "2");
}

START_TEST(suspended_device_meets_another_back_end)
{
	unsigned port = xenbus_channel_port(channel);

	place = _i;
	suspend_moves = true;
	suspend_meanwhile = other_device;
	store_set("control/shutdown", "suspend");
	xenworld_settle();
	ck_assert_uint_eq(suspends, 1);
	if (place == 2) {
		expect("df", "1");
		ck_assert_uint_eq(evtchn_open(), 0);
		ck_assert_uint_eq(grants_standing(), 0);
		return;
	}
	expect("dfc", "3");
	ck_assert_str_eq(device->xd_backend, place == 0 ? BACK2 : BACK);
	ck_assert_uint_eq(device->xd_backend_domid, place == 0 ? 0 : 3);
	ck_assert_uint_eq(grants_standing(), 1);
	ck_assert_uint_eq(evtchn_open(), 1);
	ck_assert_uint_eq(xenbus_channel_port(channel), port); /* all are free there */
	store_set(place == 0 ? BACK2 "/state" : BACK "/state", "4");
	xenworld_settle();
	expect("C", "4");
	events = 0;
	evtchn_raise(port);
	xenworld_settle();
	ck_assert_uint_eq(events, 1);
}
END_TEST

START_TEST(suspend_that_is_cancelled_is_not_seen)
{
	store_set("control/shutdown", "suspend");
	xenworld_settle();
	ck_assert_uint_eq(suspends, 1);
	expect("", "4");
	xenbus_channel_notify(channel);
	ck_assert_uint_eq(evtchn_notified(xenbus_channel_port(channel)), 1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("xenbus");
	TCase *boot = tcase_create("boot"), *up = tcase_create("up");

	tcase_add_checked_fixture(boot, NULL, teardown);
	tcase_add_test(boot, boot_waits_until_connected);
	tcase_add_test(boot, boot_gives_up_in_the_end);
	tcase_add_test(boot, boot_without_devices_waits_for_nothing);
	tcase_add_test(boot, boot_without_a_store_waits_for_nothing);
	tcase_add_test(boot, boot_with_a_mute_store_gives_up);
	tcase_add_test(boot, boot_with_a_broken_store_goes_on);
	tcase_add_test(boot, closed_device_is_not_waited_for);
	tcase_add_test(boot, closed_device_that_is_online_comes_again);
	tcase_add_loop_test(boot, device_that_makes_no_sense_is_left_alone, 0, 5);
	tcase_add_test(boot, attach_that_fails_leaves_it_alone);
	tcase_add_loop_test(boot, attach_without_memory_leaves_it_alone, 0, 6);
	tcase_add_test(boot, network_devices_are_connected_first);
	suite_add_tcase(s, boot);
	tcase_add_checked_fixture(up, setup, teardown);
	tcase_set_timeout(up, 60);
	tcase_add_test(up, closing_disconnects);
	tcase_add_test(up, closed_without_closing_disconnects);
	tcase_add_test(up, backend_that_vanishes_is_waited_for);
	tcase_add_test(up, restart_that_went_unseen_begins_from_closed);
	tcase_add_test(up, states_told_twice_do_nothing);
	tcase_add_test(up, connected_before_us_is_closed);
	tcase_add_loop_test(up, nonsense_states_do_nothing, 0, 5);
	tcase_add_test(up, connect_that_fails_waits_for_another_backend);
	tcase_add_test(up, connected_that_fails_closes);
	tcase_add_loop_test(up, resources_that_run_out_fail_connect, 0, 2);
	tcase_add_test(up, detached_device_stays_closed);
	tcase_add_test(up, device_may_move_to_another_back_end);
	tcase_add_test(up, device_may_move_in_two_steps);
	tcase_add_test(up, device_attached_again_begins_anew);
	tcase_add_test(up, ring_in_use_is_kept_until_it_is_not);
	tcase_add_test(up, ring_in_use_is_looked_after);
	tcase_add_test(up, ring_in_use_is_known_without_memory);
	tcase_add_test(up, back_end_that_keeps_all_rings_is_given_up);
	tcase_add_test(up, complaints_are_limited);
	tcase_add_test(up, ring_is_a_page_of_zeros);
	tcase_add_test(up, channel_calls_and_notifies);
	tcase_add_test(up, channels_are_used_again);
	tcase_add_test(up, channel_is_not_freed_while_its_function_runs);
	tcase_add_test(up, channel_is_known_when_its_function_is_called);
	tcase_add_test(up, channel_function_may_go_on_later);
	tcase_add_test(up, channel_function_rests_whatever_comes);
	tcase_add_loop_test(up, suspended_device_meets_another_back_end, 0, 3);
	tcase_add_test(up, suspend_that_is_cancelled_is_not_seen);
	suite_add_tcase(s, up);
	return s;
}

CHECK_MAIN(make_suite)
