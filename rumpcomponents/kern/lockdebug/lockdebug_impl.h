/* SPDX-License-Identifier: BSD-2-Clause */
/* kern/lockdebug's own. */
#ifndef LOCKDEBUG_IMPL_H
#define LOCKDEBUG_IMPL_H

#define LOCKDEBUG_IMPL
#include <rumpuser.h> /* before <kern/cpu.h>, which defines curlwp */
#include <kern/cpu.h>
#include <kern/lockdebug.h>
#include <kern/lwp.h>
#include <kern/mutex.h>
#include <kern/spin.h>
#include <kern/systm.h>

struct lock_class {
	const char *lc_file; /* where it is initialised, or first used */
	uintptr_t lc_func;   /* of a function: its address */
	uint16_t lc_id;
	uint8_t lc_nests; /* enum lock_nesting */
	char lc_name[26];
};

/* The class that site names. */
struct lock_class *lockdebug_class(struct lock_site *site);
/* The class of calls of a function in the image. */
struct lock_class *lockdebug_class_of_function(uintptr_t func);
/* At now->lh_site, now->lh_lock is taken while h is held.  Complains if there is another order. */
void lockdebug_order(const struct lock_held *h, const struct lock_held *now);
/* A complaint: a line, and how the caller got here.  Any context. */
void lockdebug_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Does the calling lwp handle a page fault? */
bool lockdebug_in_fault(void);
/* Return addresses of the callers, the nearest first; how many. */
unsigned lockdebug_callers(uintptr_t *pc, unsigned max);
void lockdebug_print_callers(const uintptr_t *pc, unsigned n);
extern volatile bool lockdebug_silent; /* lockdebug_off() */
extern volatile uint32_t lockdebug_complaints;

#endif
