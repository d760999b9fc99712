/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers on the program's clocks.  Deadlines are ns of nanouptime(), 0 for "not armed". */
#ifndef KERN_TIMEVAR_H
#define KERN_TIMEVAR_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* May a timer be set on this clock? */
bool time_settable(clockid_t clock);
/* EINVAL: a field is out of range. */
int time_from_itimerspec(const struct itimerspec *it, uint64_t *value, uint64_t *interval);
/* When `value`, from now or as a time of the clock, is reached. */
uint64_t time_deadline(clockid_t clock, uint64_t value, bool absolute);
/*
 * The same from a timeout of the program's: a time of the clock; NULL waits for ever, which is
 * UINT64_MAX.  EFAULT, EINVAL.
 */
int time_timeout(clockid_t clock, const struct timespec *uabstime, uint64_t *deadline);
/* What a timer has left. */
void time_left(uint64_t deadline, uint64_t interval, struct itimerspec *it);

#endif
