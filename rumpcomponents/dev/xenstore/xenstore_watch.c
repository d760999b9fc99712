/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watches: an event says which one is due, by a number; an lwp calls those that are, in turn.
 * However many events come, they need no memory.
 */
#include <kern/callout.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/systm.h>
#include <kern/cpu.h>
#include "xenstore_impl.h"

#define TRY_AGAIN NSEC_PER_SEC

/* All under xenstore_lock. */
static TAILQ_HEAD(, xenstore_watch) watches = TAILQ_HEAD_INITIALIZER(watches);
static kcondvar_t work;
static struct xenstore_watch *running;
static struct lwp *watcher;
static uint32_t last_id;

static void due(struct xenstore_watch *w)
{
	w->xw_due = true;
	cv_signal(&work);
}

void xenstore_watch_event(const char *token)
{
	struct xenstore_watch *w;
	uint64_t id;

	if (!xenstore_number(token, UINT32_MAX, &id))
		return;
	TAILQ_FOREACH (w, &watches, xw_list)
		if (w->xw_id == id)
			due(w);
}

void xenstore_watch_run(struct xenstore_watch *w)
{
	mutex_enter(&xenstore_lock);
	due(w);
	mutex_exit(&xenstore_lock);
}

static void run_later(void *w)
{
	xenstore_watch_run(w);
}

/* Have the store begin or end to watch what w does. */
static int tell(uint32_t type, struct xenstore_watch *w)
{
	char token[12];

	if (w->xw_path == NULL)
		return 0;
	ksnprintf(token, sizeof(token), "%u", w->xw_id);
	return xenstore_request(
	    type, XST_NIL, w->xw_path, w->xw_node, token, strlen(token) + 1, NULL);
}

static void forget(struct xenstore_watch *w)
{
	mutex_enter(&xenstore_lock);
	TAILQ_REMOVE(&watches, w, xw_list);
	if (running == w && curlwp == watcher)
		running = NULL;
	while (running == w)
		cv_wait(&xenstore_cv, &xenstore_lock);
	mutex_exit(&xenstore_lock);
}

int xenstore_watch(struct xenstore_watch *w)
{
	int error = xenstore_open();

	if (error)
		return error;
	mutex_enter(&xenstore_lock);
	w->xw_id = ++last_id;
	w->xw_due = w->xw_lost = false;
	TAILQ_INSERT_TAIL(&watches, w, xw_list);
	mutex_exit(&xenstore_lock);
	error = tell(XS_WATCH, w);
	if (error)
		forget(w);
	return error;
}

void xenstore_unwatch(struct xenstore_watch *w)
{
	forget(w);
	(void)tell(XS_UNWATCH, w);
}

/* The first of those that the store has to be told of, by number, and behind `id`. */
static struct xenstore_watch *lost(uint32_t id)
{
	struct xenstore_watch *w, *first = NULL;

	TAILQ_FOREACH (w, &watches, xw_list)
		if (w->xw_lost && w->xw_id > id && (first == NULL || w->xw_id < first->xw_id))
			first = w;
	return first;
}

/* Each once; those that the store would not have are left for another time. */
static void tell_lost(struct xenstore_watch *self)
{
	static callout_t later;
	struct xenstore_watch *w;
	bool left = false;
	uint32_t id = 0;
	int error;

	mutex_enter(&xenstore_lock);
	while ((w = lost(id)) != NULL) {
		id = w->xw_id;
		w->xw_lost = false;
		mutex_exit(&xenstore_lock);
		error = tell(XS_WATCH, w);
		mutex_enter(&xenstore_lock);
		if (error && error != EEXIST) {
			left = true;
			w->xw_lost = true;
		}
	}
	mutex_exit(&xenstore_lock);
	if (!left)
		return;
	if (later.c_func == NULL)
		callout_init(&later, run_later, self);
	callout_schedule(&later, TRY_AGAIN);
}

/* Of another domain's store: all of them, and each has an event at first. */
void xenstore_watch_again(void)
{
	static struct xenstore_watch again = {.xw_func = tell_lost};
	struct xenstore_watch *w;

	if (again.xw_id == 0)
		(void)xenstore_watch(&again); /* of nothing: that cannot fail now */
	mutex_enter(&xenstore_lock);
	TAILQ_FOREACH (w, &watches, xw_list)
		w->xw_lost = w->xw_path != NULL;
	mutex_exit(&xenstore_lock);
	tell_lost(&again);
}

/* The first that is due, which goes to the end: no watch keeps others from their turn. */
static struct xenstore_watch *next(void)
{
	struct xenstore_watch *w;

	TAILQ_FOREACH (w, &watches, xw_list)
		if (w->xw_due) {
			TAILQ_REMOVE(&watches, w, xw_list);
			TAILQ_INSERT_TAIL(&watches, w, xw_list);
			return w;
		}
	return NULL;
}

static void watch_lwp(void *arg)
{
	(void)arg;
	watcher = curlwp;
	mutex_enter(&xenstore_lock);
	for (;;) {
		struct xenstore_watch *w = next();

		if (w == NULL) {
			cv_wait(&work, &xenstore_lock);
			continue;
		}
		w->xw_due = false;
		running = w;
		mutex_exit(&xenstore_lock);
		w->xw_func(w);
		mutex_enter(&xenstore_lock);
		running = NULL;
		cv_broadcast(&xenstore_cv);
	}
}

int xenstore_watch_start(void)
{
	cv_init(&work, "xswatch");
	/* On the boot CPU, for xenstore_suspend(). */
	return kthread_create(PRI_KTHREAD, 0, watch_lwp, NULL, "xswatch");
}
