/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TIME_IMPL_H
#define TIME_IMPL_H

#include <stdint.h>
#include <time.h>
#include <kern/timevar.h>

/*
 * MUTEX_SPIN: settings of the clock, and the watches for them.  So that those who wait for a
 * setting need no lock of their own.
 */
extern kmutex_t time_set_lock;
extern LIST_HEAD(time_watches, time_watch) time_watches;
/* ns of a clock; EINVAL: no such clock. */
int time_read(clockid_t clock, uint64_t *ns);

/* ns: a periodic timer sends no more often, so that the program gets on. */
#define TIME_MIN_GAP 50000

#endif
