/* SPDX-License-Identifier: BSD-2-Clause */
/* The client of xenstore against a store that behaves, and one that doesn't. */
#include <string.h>

#include <dev/xenstore.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/random.h>
#include <kern/systm.h>

#include "check_main.h"
#include "native.h"
#include "xenworld.h"

static unsigned presses;
static char buf[64];

void proc_power_button(void)
{
	presses++;
}

static unsigned reseeds;

void random_reseed(void)
{
	reseeds++;
}

static void setup(void)
{
	native_quiet = true;
	ck_assert_int_eq(xenworld_start(), 0);
	xenworld_settle();
}

static void teardown(void)
{
	ck_assert_uint_eq(native_locks_held(), 0);
}

static int reading(const char *node)
{
	return xenstore_read(XST_NIL, "test", node, buf, sizeof(buf));
}

/* ------------------------------------------------------- a store that behaves */

START_TEST(read_gives_what_was_written)
{
	uint64_t n;

	store_set("test/a", "value");
	ck_assert_int_eq(reading("a"), 0);
	ck_assert_str_eq(buf, "value");
	ck_assert_int_eq(xenstore_write(XST_NIL, "test", "b", "12"), 0);
	ck_assert_str_eq(store_get("test/b"), "12");
	ck_assert_int_eq(xenstore_read_uint(XST_NIL, "test", "b", &n), 0);
	ck_assert_uint_eq(n, 12);
	ck_assert_int_eq(xenstore_write_uint(XST_NIL, "test/b", NULL, UINT64_MAX), 0);
	ck_assert_int_eq(xenstore_read_uint(XST_NIL, "test/b", NULL, &n), 0);
	ck_assert_uint_eq(n, UINT64_MAX);
	ck_assert_int_eq(xenstore_rm(XST_NIL, "test", "b"), 0);
	ck_assert_int_eq(reading("b"), ENOENT);
	store_set("test/a", "");
	ck_assert_int_eq(reading("a"), 0);
	ck_assert_str_eq(buf, "");
}
END_TEST

START_TEST(read_that_does_not_fit_is_e2big)
{
	char small[5];

	store_set("test/a", "1234");
	ck_assert_int_eq(xenstore_read(XST_NIL, "test", "a", small, sizeof(small)), 0);
	store_set("test/a", "12345");
	ck_assert_int_eq(xenstore_read(XST_NIL, "test", "a", small, sizeof(small)), E2BIG);
}
END_TEST

START_TEST(number_that_is_none_is_einval)
{
	static const char *const bad[] = {"", "-1", "1 ", "0x10", "18446744073709551616",
	    "99999999999999999999999999999999999", "one"};
	uint64_t n = 77;

	for (size_t i = 0; i < NELEM(bad); i++) {
		store_set("test/n", bad[i]);
		ck_assert_int_eq(xenstore_read_uint(XST_NIL, "test", "n", &n), EINVAL);
	}
	ck_assert_uint_eq(n, 77);
}
END_TEST

START_TEST(long_path_is_enametoolong)
{
	static char path[XENSTORE_ABS_PATH_MAX + 2], value[XENSTORE_PAYLOAD_MAX + 1];
	unsigned before = store_requests;

	memset(path, 'x', sizeof(path) - 1);
	memset(value, 'v', sizeof(value) - 1);
	ck_assert_int_eq(xenstore_read(XST_NIL, path, NULL, buf, sizeof(buf)), ENAMETOOLONG);
	ck_assert_int_eq(xenstore_read(XST_NIL, path + 2, "a", buf, sizeof(buf)), ENAMETOOLONG);
	ck_assert_int_eq(xenstore_write(XST_NIL, "a", NULL, value), E2BIG);
	ck_assert_uint_eq(store_requests, before);
	/* As long as can be, which is more than the ring holds. */
	ck_assert_int_eq(xenstore_write(XST_NIL, path + 2, NULL, value + 3072), 0);
	ck_assert_str_eq(store_get(path + 2), value + 3072);
	ck_assert_int_eq(xenstore_write(XST_NIL, "a", NULL, value + 2), 0);
	ck_assert_str_eq(store_get("a"), value + 2);
}
END_TEST

START_TEST(directory_lists_names)
{
	char *names;
	size_t len, live = native_alloc_live();

	store_set("test/a/x", "1");
	store_set("test/b", "1");
	ck_assert_int_eq(xenstore_directory(XST_NIL, "test", NULL, &names, &len), 0);
	ck_assert_uint_eq(len, 4);
	ck_assert_mem_eq(names, "a\0b", 4);
	kmem_free(names, len);
	ck_assert_int_eq(xenstore_directory(XST_NIL, "test/a", "x", &names, &len), 0);
	ck_assert_ptr_null(names);
	ck_assert_uint_eq(len, 0);
	ck_assert_int_eq(xenstore_directory(XST_NIL, "test/c", NULL, &names, &len), ENOENT);
	native_alloc_fail(0);
	ck_assert_int_eq(xenstore_directory(XST_NIL, "test", NULL, &names, &len), ENOMEM);
	native_alloc_fail(-1);
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

START_TEST(transaction_is_done_or_undone)
{
	uint32_t tx;

	ck_assert_int_eq(xenstore_transaction_start(&tx), 0);
	ck_assert_int_eq(xenstore_write(tx, "test", "a", "1"), 0);
	ck_assert_ptr_null(store_get("test/a"));
	ck_assert_int_eq(xenstore_transaction_end(tx, true), 0);
	ck_assert_str_eq(store_get("test/a"), "1");
	ck_assert_int_eq(xenstore_transaction_start(&tx), 0);
	ck_assert_int_eq(xenstore_write(tx, "test", "a", "2"), 0);
	ck_assert_int_eq(xenstore_transaction_end(tx, false), 0);
	ck_assert_str_eq(store_get("test/a"), "1");
	store_conflicts = 1;
	ck_assert_int_eq(xenstore_transaction_start(&tx), 0);
	ck_assert_int_eq(xenstore_transaction_end(tx, true), EAGAIN);
}
END_TEST

/* Many at once, each getting its own answer; the ring is full most of the time. */
static unsigned finished;

static void asker(void *arg)
{
	char node[8], value[600], got[600];
	unsigned n = (unsigned)(uintptr_t)arg;

	ksnprintf(node, sizeof(node), "n%u", n);
	memset(value, 'a' + (int)n, sizeof(value) - 1);
	value[sizeof(value) - 1 - n] = '\0';
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_int_eq(xenstore_write(XST_NIL, "test", node, value), 0);
		ck_assert_int_eq(xenstore_read(XST_NIL, "test", node, got, sizeof(got)), 0);
		ck_assert_str_eq(got, value);
	}
	__atomic_add_fetch(&finished, 1, __ATOMIC_RELAXED);
}

START_TEST(requests_at_once_get_their_own_answers)
{
	for (uintptr_t i = 0; i < 8; i++)
		ck_assert_int_eq(kthread_create(PRI_KTHREAD, -1, asker, (void *)i, "asker"), 0);
	xenworld_settle();
	ck_assert_uint_eq(finished, 8);
}
END_TEST

START_TEST(absent_store_is_enxio)
{
	struct xenstore_watch w = {.xw_path = "test"};

	store_absent = true;
	native_quiet = true;
	ck_assert_int_eq(xenworld_start(), 0);
	ck_assert_int_eq(reading("a"), ENXIO);
	ck_assert_int_eq(xenstore_watch(&w), ENXIO);
}
END_TEST

/* ------------------------------------------------------------------ watches */

static unsigned calls;
static bool unwatch_inside;

static void called(struct xenstore_watch *w)
{
	char value[16];

	calls++;
	(void)xenstore_read(XST_NIL, w->xw_path, w->xw_node, value, sizeof(value));
	if (unwatch_inside)
		xenstore_unwatch(w);
}

static struct xenstore_watch watch = {.xw_path = "test", .xw_node = "a", .xw_func = called};

START_TEST(watch_is_called_at_first_and_for_changes)
{
	ck_assert_int_eq(xenstore_watch(&watch), 0);
	xenworld_settle();
	ck_assert_uint_eq(calls, 1);
	store_set("test/a", "1");
	xenworld_settle();
	ck_assert_uint_eq(calls, 2);
	store_set("test/b", "1");
	xenworld_settle();
	ck_assert_uint_eq(calls, 2);
	store_set("test", NULL);
	xenworld_settle();
	ck_assert_uint_eq(calls, 3);
	xenstore_watch_run(&watch);
	xenworld_settle();
	ck_assert_uint_eq(calls, 4);
	xenstore_unwatch(&watch);
	store_set("test/a", "2");
	xenworld_settle();
	ck_assert_uint_eq(calls, 4);
}
END_TEST

START_TEST(watch_may_end_itself)
{
	unwatch_inside = true;
	ck_assert_int_eq(xenstore_watch(&watch), 0);
	xenworld_settle();
	ck_assert_uint_eq(calls, 1);
	store_set("test/a", "2");
	xenworld_settle();
	ck_assert_uint_eq(calls, 1);
	/* And begin again. */
	ck_assert_int_eq(xenstore_watch(&watch), 0);
	xenworld_settle();
	ck_assert_uint_eq(calls, 2);
}
END_TEST

START_TEST(watch_of_nothing_runs_when_told)
{
	struct xenstore_watch w = {.xw_func = called};
	unsigned before = store_requests;

	w.xw_path = NULL;
	ck_assert_int_eq(xenstore_watch(&w), 0);
	xenworld_settle();
	ck_assert_uint_eq(store_requests, before);
	ck_assert_uint_eq(calls, 0);
	w.xw_path = "test";
	xenstore_watch_run(&w);
	xenworld_settle();
	ck_assert_uint_eq(calls, 1);
	w.xw_path = NULL;
	xenstore_unwatch(&w);
}
END_TEST

static bool slow_done;

static void slow(struct xenstore_watch *w)
{
	(void)lwp_sleep_until(native_now() + NSEC_PER_SEC / 2, "slow");
	slow_done = true;
}

START_TEST(unwatch_waits_for_a_running_call)
{
	struct xenstore_watch w = {.xw_path = "test", .xw_func = slow};

	ck_assert_int_eq(xenstore_watch(&w), 0);
	(void)lwp_sleep_until(native_now() + NSEC_PER_MSEC, "a bit");
	ck_assert(!slow_done);
	xenstore_unwatch(&w);
	ck_assert(slow_done);
}
END_TEST

START_TEST(watch_refused_is_forgotten)
{
	store_answer_type = XS_READ;
	ck_assert_int_eq(xenstore_watch(&watch), EIO);
	store_answer_type = 0;
	xenworld_settle();
	calls = 0;
	store_set("test/a", "1");
	xenworld_settle();
	ck_assert_uint_eq(calls, 0);
}
END_TEST

START_TEST(event_for_nobody_is_ignored)
{
	static const char *const bad[] = {"test\0"
					  "99",
	    "test\0"
	    "x",
	    "test\0", "test", "",
	    "test\0"
	    "4294967297"};
	static const size_t len[] = {8, 7, 5, 4, 0, 16};

	ck_assert_int_eq(xenstore_watch(&watch), 0);
	xenworld_settle();
	for (size_t i = 0; i < NELEM(bad); i++)
		store_say(XS_WATCH_EVENT, 0, bad[i], len[i]);
	xenworld_settle();
	ck_assert_uint_eq(calls, 1);
	ck_assert_int_eq(reading("a"), ENOENT);
}
END_TEST

/* -------------------------------------------------- a store that makes no sense */

static int result;
static bool returned;
static uint32_t tx_id;
static char *names;
static size_t names_len;

static int ask_read(void)
{
	return reading("a");
}

static int ask_transaction(void)
{
	return xenstore_transaction_start(&tx_id);
}

static int ask_directory(void)
{
	return xenstore_directory(XST_NIL, "test", NULL, &names, &names_len);
}

static void ask_once(void *arg)
{
	int (*const *ask)(void) = arg;

	result = (*ask)();
	returned = true;
}

/* A request in flight, which nobody has answered yet. */
static uint32_t asked_id; /* of the request */

static void begin_asking(int (*ask)(void))
{
	static int (*func)(void);

	func = ask;
	store_mute = true;
	returned = false;
	ck_assert_int_eq(kthread_create(PRI_KTHREAD, -1, ask_once, &func, "asker"), 0);
	xenworld_settle();
	ck_assert(!returned);
	asked_id = store_last.req_id;
}

static int finish_asking(void)
{
	xenworld_settle();
	ck_assert(returned);
	store_mute = false;
	return result;
}

START_TEST(answer_of_the_wrong_type_is_eio)
{
	begin_asking(ask_read);
	store_say(XS_DIRECTORY, store_last.req_id, "x", 1);
	ck_assert_int_eq(finish_asking(), EIO);
	store_set("test/a", "1");
	ck_assert_int_eq(reading("a"), 0);
}
END_TEST

START_TEST(answer_with_an_unknown_id_is_ignored)
{
	begin_asking(ask_read);
	store_say(XS_READ, store_last.req_id + 1, "wrong", 5);
	store_say(XS_READ, store_last.req_id - 1, "wrong", 5);
	xenworld_settle();
	ck_assert(!returned);
	store_say(XS_READ, store_last.req_id, "right", 5);
	store_say(XS_READ, store_last.req_id, "wrong", 5); /* twice */
	ck_assert_int_eq(finish_asking(), 0);
	ck_assert_str_eq(buf, "right");
}
END_TEST

START_TEST(errors_are_turned_into_ours)
{
	static const struct {
		const char *name;
		int error;
	} t[] = {{"EACCES", EACCES}, {"ENOENT", ENOENT}, {"EAGAIN", EAGAIN}, {"ENOSPC", ENOSPC},
	    {"EINVAL", EINVAL}, {"EWHAT", EIO}, {"", EIO}, {"ENOENTX", EIO}};

	for (size_t i = 0; i < NELEM(t); i++) {
		begin_asking(ask_read);
		store_say(XS_ERROR, store_last.req_id, t[i].name, strlen(t[i].name) + 1);
		ck_assert_int_eq(finish_asking(), t[i].error);
	}
	begin_asking(ask_read);
	store_say(XS_ERROR, store_last.req_id, "ENOENT", 6); /* no NUL */
	ck_assert_int_eq(finish_asking(), ENOENT);
	begin_asking(ask_read);
	store_say(XS_ERROR, store_last.req_id, NULL, 0);
	ck_assert_int_eq(finish_asking(), EIO);
}
END_TEST

START_TEST(value_with_a_nul_is_eio)
{
	begin_asking(ask_read);
	store_say(XS_READ, store_last.req_id, "ab\0c", 4);
	ck_assert_int_eq(finish_asking(), EIO);
}
END_TEST

START_TEST(directory_without_its_last_nul_is_eio)
{
	size_t live = native_alloc_live();

	begin_asking(ask_directory);
	store_say(XS_DIRECTORY, store_last.req_id, "a\0b", 3);
	ck_assert_int_eq(finish_asking(), EIO);
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

START_TEST(transaction_that_is_no_number_is_eio)
{
	static const char *const bad[] = {"0", "", "abc", "4294967296", "12345678901234567890"};

	for (size_t i = 0; i < NELEM(bad); i++) {
		begin_asking(ask_transaction);
		store_say(XS_TRANSACTION_START, store_last.req_id, bad[i], strlen(bad[i]) + 1);
		ck_assert_int_eq(finish_asking(), EIO);
	}
	ck_assert_uint_eq(tx_id, 0);
	begin_asking(ask_transaction);
	store_say(XS_TRANSACTION_START, store_last.req_id, "4294967295", 11);
	ck_assert_int_eq(finish_asking(), 0);
	ck_assert_uint_eq(tx_id, UINT32_MAX);
}
END_TEST

static void expect_broken(void)
{
	struct xenstore_watch w = {.xw_path = "test", .xw_func = called};
	unsigned before = store_requests;

	ck_assert_int_eq(reading("a"), EIO);
	ck_assert_int_eq(xenstore_write(XST_NIL, "test", "a", "1"), EIO);
	ck_assert_int_eq(xenstore_watch(&w), EIO);
	store_interrupt();
	xenworld_settle();
	ck_assert_uint_eq(store_requests, before);
	ck_assert_ptr_nonnull(strstr(native_console(), "makes no sense"));
	native_console_clear();
	ck_assert_int_eq(reading("a"), EIO);
	ck_assert_str_eq(native_console(), "");
}

START_TEST(answer_longer_than_can_be_ends_it)
{
	struct xsd_sockmsg head;

	begin_asking(ask_read);
	head = (struct xsd_sockmsg){
	    .type = XS_READ, .req_id = store_last.req_id, .len = XENSTORE_PAYLOAD_MAX + 1};
	store_say_bytes(&head, sizeof(head));
	ck_assert_int_eq(finish_asking(), EIO);
	expect_broken();
}
END_TEST

START_TEST(longest_answer_is_taken)
{
	static char value[XENSTORE_PAYLOAD_MAX + 1], got[XENSTORE_PAYLOAD_MAX + 1];

	memset(value, 'v', sizeof(value) - 1);
	store_set("test/a", value);
	ck_assert_int_eq(xenstore_read(XST_NIL, "test", "a", got, sizeof(got)), 0);
	ck_assert_str_eq(got, value);
}
END_TEST

START_TEST(impossible_answer_index_ends_it)
{
	begin_asking(ask_read);
	store_page->rsp_prod += XENSTORE_RING_SIZE + 1;
	store_interrupt();
	ck_assert_int_eq(finish_asking(), EIO);
	expect_broken();
}
END_TEST

START_TEST(impossible_request_index_ends_it)
{
	store_stopped = true;
	store_page->req_cons++;
	ck_assert_int_eq(reading("a"), EIO);
	expect_broken();
}
END_TEST

static void big_writer(void *arg)
{
	static char value[3000];

	memset(value, 'v', sizeof(value) - 1);
	result = xenstore_write(XST_NIL, "test", "big", value);
	finished++;
}

/* One sleeps amid its request for room in the ring, another for its turn. */
static void fill_ring(void)
{
	static int (*ask)(void) = ask_read;

	store_stopped = true;
	ck_assert_int_eq(kthread_create(PRI_KTHREAD, -1, big_writer, NULL, "a"), 0);
	xenworld_settle();
	ck_assert_int_eq(kthread_create(PRI_KTHREAD, -1, ask_once, &ask, "b"), 0);
	xenworld_settle();
	ck_assert_uint_eq(store_page->req_prod - store_page->req_cons, XENSTORE_RING_SIZE);
	ck_assert(!returned && finished == 0);
}

START_TEST(full_ring_is_waited_for)
{
	fill_ring();
	store_stopped = false;
	store_set("test/a", "1");
	xenworld_settle();
	ck_assert(returned && finished == 1);
	ck_assert_str_eq(buf, "1");
	ck_assert_uint_eq(strlen(store_get("test/big")), 2999);
}
END_TEST

START_TEST(break_ends_who_waits_for_room)
{
	fill_ring();
	store_page->rsp_prod += 5000;
	store_interrupt();
	xenworld_settle();
	ck_assert(returned && finished == 1);
	ck_assert_int_eq(result, EIO);
	expect_broken();
}
END_TEST

/* ---------------------------------------------------------------- the tools */

START_TEST(shutdown_presses_the_button)
{
	static const char *const wishes[] = {"poweroff", "halt", "reboot"};

	ck_assert_str_eq(store_get("control/feature-poweroff"), "1");
	ck_assert_str_eq(store_get("control/feature-reboot"), "1");
	for (unsigned i = 0; i < NELEM(wishes); i++) {
		store_conflicts = i;
		store_set("control/shutdown", wishes[i]);
		xenworld_settle();
		ck_assert_uint_eq(presses, i + 1);
		ck_assert_int_eq(end_asked, wishes[i][0] == 'r' ? 'r' : 'e');
		ck_assert_str_eq(store_get("control/shutdown"), "");
	}
}
END_TEST

START_TEST(unknown_wish_is_left)
{
	static const char *const wishes[] = {"suspended", "", "poweroff-not", "crash",
	    "a wish that is much longer than any that there could be"};

	for (unsigned i = 0; i < NELEM(wishes); i++) {
		store_set("control/shutdown", wishes[i]);
		xenworld_settle();
		ck_assert_uint_eq(presses, 0);
		ck_assert_str_eq(store_get("control/shutdown"), wishes[i]);
	}
	store_set("control", NULL);
	xenworld_settle();
	store_conflicts = 1000;
	store_set("control/shutdown", "poweroff");
	xenworld_settle();
	ck_assert_uint_eq(presses, 0);
	ck_assert_int_eq(end_asked, 0);
	ck_assert_uint_gt(store_conflicts, 900);
}
END_TEST

START_TEST(suspend_that_is_cancelled_changes_nothing)
{
	ck_assert_str_eq(store_get("control/feature-suspend"), "1");
	ck_assert_int_eq(xenstore_watch(&watch), 0);
	xenworld_settle();
	suspend_error = _i ? ENOMEM : 0;
	store_set("control/shutdown", "suspend");
	xenworld_settle();
	ck_assert_uint_eq(suspends, 1);
	ck_assert_str_eq(store_get("control/shutdown"), "");
	ck_assert_int_eq(!strstr(native_console(), "not suspended: error"), !_i);
	ck_assert_uint_eq(presses, 0);
	ck_assert_uint_eq(calls, 1);
	store_set("test/a", "1");
	xenworld_settle();
	ck_assert_uint_eq(calls, 2);
}
END_TEST

/* The tools make the new domain's nodes, in which there is nothing of ours. */
static void in_another_domain(void)
{
	ck_assert_str_eq(store_get("control/shutdown"), "");
	store_set("control", NULL);
	store_set("test/a", "2");
}

START_TEST(suspended_domain_goes_on_as_another)
{
	struct xenstore_watch nothing = {.xw_func = called};

	ck_assert_int_eq(xenstore_watch(&nothing), 0);
	ck_assert_int_eq(xenstore_watch(&watch), 0);
	xenworld_settle();
	suspend_moves = true;
	suspend_meanwhile = in_another_domain;
	for (unsigned n = 1; n < 4; n++) {
		calls = 0;
		store_set("control/shutdown", "suspend");
		xenworld_settle();
		ck_assert_uint_eq(suspends, n);
		ck_assert_uint_eq(calls, 1); /* once at first, for all that may have changed */
		ck_assert_str_eq(store_get("control/feature-poweroff"), "1");
		ck_assert_str_eq(store_get("control/feature-suspend"), "1");
		ck_assert_int_eq(reading("a"), 0);
		ck_assert_str_eq(buf, "2");
		store_set("test/a", "3");
		xenworld_settle();
		ck_assert_uint_eq(calls, 2);
	}
	xenstore_unwatch(&watch);
	xenstore_unwatch(&nothing);
	store_set("control/shutdown", "poweroff");
	xenworld_settle();
	ck_assert_uint_eq(presses, 1);
}
END_TEST

/* Some of them are refused at first, and told again until they are not. */
START_TEST(watches_that_the_other_store_refuses_are_told_again)
{
	ck_assert_int_eq(xenstore_watch(&watch), 0);
	xenworld_settle();
	suspend_moves = true;
	suspend_meanwhile = in_another_domain;
	calls = 0;
	store_refusals = (unsigned)_i;
	store_set("control/shutdown", "suspend");
	for (int i = 0; i < 2 * _i + 2; i++)
		xenworld_settle();
	ck_assert_uint_eq(store_refusals, 0);
	ck_assert_uint_eq(calls, 1);
	store_set("test/a", "3");
	store_set("control/shutdown", "poweroff");
	xenworld_settle();
	ck_assert_uint_eq(calls, 2);
	ck_assert_uint_eq(presses, 1);
}
END_TEST

/* A copy of it, restored too, must not have its random numbers. */
START_TEST(suspended_domain_has_new_random_numbers)
{
	store_set("control/shutdown", "suspend");
	xenworld_settle();
	ck_assert_uint_eq(suspends, 1);
	ck_assert_uint_eq(reseeds, 0);
	suspend_moves = true;
	suspend_meanwhile = in_another_domain;
	store_set("control/shutdown", "suspend");
	xenworld_settle();
	ck_assert_uint_eq(suspends, 2);
	ck_assert_uint_eq(reseeds, 1);
}
END_TEST

/* Nobody's request is lost on the way. */
START_TEST(suspend_waits_for_answers)
{
	store_set("test/a", "1");
	xenworld_settle();
	begin_asking(ask_read);
	suspend_moves = true;
	suspend_meanwhile = in_another_domain;
	store_mute = false;
	store_set("control/shutdown", "suspend");
	xenworld_settle();
	ck_assert_uint_eq(suspends, 0);
	store_say(XS_READ, asked_id, "x", 1);
	ck_assert_int_eq(finish_asking(), 0);
	xenworld_settle();
	ck_assert_uint_eq(suspends, 1);
	ck_assert_int_eq(reading("a"), 0);
	ck_assert_str_eq(buf, "2");
}
END_TEST

/* What a program that is soon done should not be kept waiting by. */
START_TEST(nothing_happens_for_a_while)
{
	native_quiet = true;
	ck_assert_int_eq(xenworld_start(), 0);
	(void)lwp_sleep_until(native_now() + NSEC_PER_SEC / 4, "a while");
	ck_assert_uint_eq(store_wakeups, 0);
	xenworld_settle();
	ck_assert_uint_eq(store_requests, 5); /* watch, read it, three features */
	ck_assert_uint_eq(store_wakeups, 5);
}
END_TEST

START_TEST(asking_early_is_answered_early)
{
	uint64_t begin = native_now();

	native_quiet = true;
	store_set("test/a", "1");
	ck_assert_int_eq(xenworld_start(), 0);
	ck_assert_int_eq(reading("a"), 0);
	ck_assert_uint_lt(native_now() - begin, NSEC_PER_SEC / 4);
	ck_assert_uint_eq(store_requests, 1);
}
END_TEST

START_TEST(start_that_fails_is_enxio)
{
	native_quiet = true;
	ck_assert_int_eq(xenworld_start(), 0);
	evtchn_fail = true;
	ck_assert_int_eq(reading("a"), ENXIO);
	ck_assert_ptr_nonnull(strstr(native_console(), "no xenstore: error"));
	ck_assert_int_eq(reading("a"), ENXIO);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("xenstore");
	TCase *tc = tcase_create("store"), *none = tcase_create("unstarted");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, read_gives_what_was_written);
	tcase_add_test(tc, read_that_does_not_fit_is_e2big);
	tcase_add_test(tc, number_that_is_none_is_einval);
	tcase_add_test(tc, long_path_is_enametoolong);
	tcase_add_test(tc, directory_lists_names);
	tcase_add_test(tc, transaction_is_done_or_undone);
	tcase_add_test(tc, requests_at_once_get_their_own_answers);
	tcase_add_test(tc, watch_is_called_at_first_and_for_changes);
	tcase_add_test(tc, watch_may_end_itself);
	tcase_add_test(tc, watch_of_nothing_runs_when_told);
	tcase_add_test(tc, unwatch_waits_for_a_running_call);
	tcase_add_test(tc, watch_refused_is_forgotten);
	tcase_add_test(tc, event_for_nobody_is_ignored);
	tcase_add_test(tc, answer_of_the_wrong_type_is_eio);
	tcase_add_test(tc, answer_with_an_unknown_id_is_ignored);
	tcase_add_test(tc, errors_are_turned_into_ours);
	tcase_add_test(tc, value_with_a_nul_is_eio);
	tcase_add_test(tc, directory_without_its_last_nul_is_eio);
	tcase_add_test(tc, transaction_that_is_no_number_is_eio);
	tcase_add_test(tc, answer_longer_than_can_be_ends_it);
	tcase_add_test(tc, longest_answer_is_taken);
	tcase_add_test(tc, impossible_answer_index_ends_it);
	tcase_add_test(tc, impossible_request_index_ends_it);
	tcase_add_test(tc, full_ring_is_waited_for);
	tcase_add_test(tc, break_ends_who_waits_for_room);
	tcase_add_test(tc, shutdown_presses_the_button);
	tcase_add_test(tc, unknown_wish_is_left);
	tcase_add_loop_test(tc, suspend_that_is_cancelled_changes_nothing, 0, 2);
	tcase_add_test(tc, suspended_domain_goes_on_as_another);
	tcase_add_loop_test(tc, watches_that_the_other_store_refuses_are_told_again, 1, 6);
	tcase_add_test(tc, suspended_domain_has_new_random_numbers);
	tcase_add_test(tc, suspend_waits_for_answers);
	suite_add_tcase(s, tc);
	tcase_add_test(none, absent_store_is_enxio);
	tcase_add_test(none, nothing_happens_for_a_while);
	tcase_add_test(none, asking_early_is_answered_early);
	tcase_add_test(none, start_that_fails_is_enxio);
	suite_add_tcase(s, none);
	return s;
}

CHECK_MAIN(make_suite)
