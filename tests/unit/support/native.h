/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kern gives to components, for components that are compiled natively
 * into unit tests and fuzz targets.  Implements <kern/...> on the host's libc;
 * this header is the other side: what a test does to that world.
 *
 * It is an archive: a test that links the real source of something (kern's
 * own callout.c, say) gets that, not the stand-in.
 *
 * TIME is simulated.  It moves when a test calls native_advance(), or when
 * every lwp waits: then it jumps to the next callout or deadline.  A wait that
 * nothing can end is reported as a deadlock.  LWPS are the host's threads;
 * most tests have one.  SOFT INTERRUPTS run as soon as the lwp that
 * scheduled them holds no lock.
 *
 * What the real locks, allocators and copy functions forbid is checked here
 * and ends the test: recursion, unlocking what is not held, sleeping or
 * copyin/copyout with a spin lock held, kmem_free with another size.
 */
#ifndef NATIVE_H
#define NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Monotonic now, ns; starts at one second. */
uint64_t native_now(void);
/* Move time on, running what comes due in order.  No locks held by the caller. */
void native_advance(uint64_t ns);
/* Jump to the next callout and run it; false if none is armed. */
bool native_step(void);
/* Run soft interrupts that wait (scheduled while a lock was held, or by another thread). */
void native_softints(void);
/* Called when all lwps wait and nothing is due: true if it made something happen. */
extern bool (*native_idle)(void);

/*
 * Fault injection: the n-th allocation from now (0: the next) fails, once;
 * negative: none.  Counts kmem, pool and page allocations.
 */
void native_alloc_fail(long n);
/* Allocations attempted since the start: loop native_alloc_fail(0..count) over a scenario. */
unsigned long native_alloc_count(void);
/* Live bytes and objects from kmem, pools and pages: compare before and after. */
size_t native_alloc_live(void);

/* copyin, copyout and friends give EFAULT in [p, p + len), besides in page zero.  len 0: forget
 * all. */
void native_bad_range(const void *p, size_t len);

/* Interruptible waits of the calling lwp end with this error (EINTR, ERESTART) until it is 0 again.
 */
void native_signal(int error);
/* The last signal sent by sig_send_proc() or sig_send_lwp(), 0 if none; forgets it. */
int native_sent_signal(void);

/* Set a configuration value; value NULL: forget it.  Strings are copied. */
void native_config(const char *path, const char *value);

/* Messages of the kernel do not go to stderr: for fuzz targets.  native_console() has them. */
extern bool native_quiet;

/* Run all RUMP_COMPONENT start-up functions that are linked, by phase: 0 or errno of the first that
 * fails. */
int native_components(void);

/* Call the handler that intr_establish() has set for irq; false if none. */
bool native_intr(unsigned irq);

/* Wait for all lwps made by kthread_create() to end. */
void native_join(void);

/* Locks held by the calling lwp: 0 after anything that returns to a test. */
unsigned native_locks_held(void);

/* What kprintf() has said since the start or native_console_clear(), as far as it fits 4 KB. */
const char *native_console(void);
void native_console_clear(void);

#endif
