/* SPDX-License-Identifier: BSD-2-Clause */
/* Time inside the kernel is nanoseconds in a uint64_t. */
#ifndef KERN_KTIME_H
#define KERN_KTIME_H

#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL

/* Monotonic, since boot; lock-free. */
uint64_t nanouptime(void);
/* Since 1970 UTC, as the program has set the clock; lock-free. */
uint64_t nanotime(void);
/* By how much it has; kern/time's to change. */
extern volatile int64_t nanotime_offset;
/* EINVAL if tv_nsec is out of range or tv_sec negative; saturates at UINT64_MAX. */
int timespec_to_ns(const struct timespec *ts, uint64_t *ns);
void ns_to_timespec(uint64_t ns, struct timespec *ts);

#endif
