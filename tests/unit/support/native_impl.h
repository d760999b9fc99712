/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the native support. */
#ifndef NATIVE_IMPL_H
#define NATIVE_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "native.h"

/* The one host lock behind all kernel locks, condition variables and the clock. */
void native_big_lock(void);
void native_big_unlock(void);
/* big lock held: sleep until something changed or time reached deadline; looks again on return. */
void native_block(uint64_t deadline, const char *why);
/* big lock held: something changed, all sleepers look again. */
void native_changed(void);

/* The lwp holds a lock more or less; panics and deferred soft interrupts hang on it. */
void native_lock_count(int delta, bool spin);
void native_assert_may_sleep(const char *what);

/* Time source hooks of native_time.c, called without the big lock. */
uint64_t native_next_callout(void);
void native_run_callouts(void);
void native_set_now(uint64_t now);
bool native_softints_waiting(void);

#endif
