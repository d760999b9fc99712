/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks on the use of locks, in the flavour "lockdebug" (docs/testing.md).  In every other build
 * what this header defines is empty.
 *
 * <kern/mutex.h> and <kern/spin.h> include it last, so that each call of theirs brings the place it
 * is made at.  kern/base, which implements them, defines LOCKDEBUG_IMPL and sees the functions.
 */
#ifndef KERN_LOCKDEBUG_H
#define KERN_LOCKDEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef LOCKDEBUG

/* A class of locks: those that are initialised at one place, or named alike in one file. */
struct lock_class;

/* A place in the source where a lock is named. */
struct lock_site {
	const char *ls_file, *ls_what;
	int ls_line;
	struct lock_class *volatile ls_class; /* found at the first use as one that names a class */
};
#define LOCK_SITE(what)                                                                            \
	({                                                                                         \
		static struct lock_site here_ = {__FILE_NAME__, what, __LINE__, NULL};             \
		&here_;                                                                            \
	})

/* Locks that an lwp, or a CPU, holds: the last taken is the last. */
struct lock_held {
	const volatile void *lh_lock;
	struct lock_class *lh_class;
	const struct lock_site *lh_site;
};
#define LOCKDEBUG_MAXHELD 24
struct lock_list {
	unsigned ll_n;
	struct lock_held ll_held[LOCKDEBUG_MAXHELD];
};

#include <kern/mutex.h>

/* As the functions of <kern/mutex.h> and <kern/spin.h>. */
void lockdebug_mutex_init(kmutex_t *mtx, kmutex_type_t type, struct lock_site *site);
void lockdebug_mutex_destroy(kmutex_t *mtx, struct lock_site *site);
void lockdebug_mutex_enter(kmutex_t *mtx, struct lock_site *site);
bool lockdebug_mutex_tryenter(kmutex_t *mtx, struct lock_site *site);
void lockdebug_mutex_exit(kmutex_t *mtx, struct lock_site *site);
void lockdebug_rw_init(krwlock_t *rw, struct lock_site *site);
void lockdebug_rw_destroy(krwlock_t *rw, struct lock_site *site);
void lockdebug_rw_enter(krwlock_t *rw, krw_t op, struct lock_site *site);
bool lockdebug_rw_tryenter(krwlock_t *rw, krw_t op, struct lock_site *site);
void lockdebug_rw_exit(krwlock_t *rw, struct lock_site *site);
void lockdebug_spin_enter(volatile uint32_t *lock, struct lock_site *site);
void lockdebug_spin_exit(volatile uint32_t *lock, struct lock_site *site);
void lockdebug_spin_lock(volatile uint32_t *lock, struct lock_site *site);
void lockdebug_spin_unlock(volatile uint32_t *lock, struct lock_site *site);

/*
 * Locks of mtx's (rw's) class may be taken one inside the other: by address, or in an order that
 * their users have and nobody checks.
 */
enum lock_nesting { LOCK_ALONE, LOCK_BY_ADDRESS, LOCK_BY_USERS };
void lockdebug_mutex_nests(kmutex_t *mtx, enum lock_nesting how);
void lockdebug_rw_nests(krwlock_t *rw, enum lock_nesting how);
/* From now on mtx (rw) is of another class: an order there is within the old one is then known. */
void lockdebug_mutex_class(kmutex_t *mtx, struct lock_site *site);
void lockdebug_rw_class(krwlock_t *rw, struct lock_site *site);
#define LOCKDEBUG_MUTEX_NESTS(mtx, how)	 lockdebug_mutex_nests((mtx), (how))
#define LOCKDEBUG_RW_NESTS(rw, how)	 lockdebug_rw_nests((rw), (how))
#define LOCKDEBUG_MUTEX_CLASS(mtx, name) lockdebug_mutex_class((mtx), LOCK_SITE(name))
#define LOCKDEBUG_RW_CLASS(rw, name)	 lockdebug_rw_class((rw), LOCK_SITE(name))

/* The caller may sleep here. */
void lockdebug_sleepable(struct lock_site *site);
#define ASSERT_SLEEPABLE() lockdebug_sleepable(LOCK_SITE("sleep"))
/* The caller touches the program's memory, which may take the locks of page faults. */
void lockdebug_might_fault(struct lock_site *site);
#define LOCKDEBUG_MIGHT_FAULT() lockdebug_might_fault(LOCK_SITE("program memory"))
/* A page fault begins and ends. */
void lockdebug_fault_enter(void);
void lockdebug_fault_exit(void);
/*
 * A callout's or soft interrupt's function is called, has returned; and the caller waits for it to
 * have returned.  It counts as a lock that is held meanwhile.
 */
void lockdebug_call_enter(void (*func)(void *));
void lockdebug_call_exit(void (*func)(void *));
void lockdebug_call_wait(void (*func)(void *), struct lock_site *site);
#define LOCKDEBUG_CALL_WAIT(func) lockdebug_call_wait((func), LOCK_SITE("a function's end"))
/* The lwp goes to sleep, returns to the program or ends: it holds no lock. */
void lockdebug_switch(void);
void lockdebug_userret(void);
void lockdebug_lwp_exit(void);
/* [p, p + size) is freed: no lock that is held lies there. */
void lockdebug_mem_free(const void *p, size_t size);
/* kern/mem is asked for memory: shall it say that there is none?  See faultinject.c. */
bool lockdebug_fail_alloc(void);
/* No more checks: the last report is made. */
void lockdebug_off(void);

#else

#define LOCKDEBUG_MUTEX_NESTS(mtx, how)	 ((void)0)
#define LOCKDEBUG_RW_NESTS(rw, how)	 ((void)0)
#define LOCKDEBUG_MUTEX_CLASS(mtx, name) ((void)0)
#define LOCKDEBUG_RW_CLASS(rw, name)	 ((void)0)
#define ASSERT_SLEEPABLE()		 ((void)0)
#define LOCKDEBUG_MIGHT_FAULT()		 ((void)0)
#define lockdebug_fault_enter()		 ((void)0)
#define lockdebug_fault_exit()		 ((void)0)
#define lockdebug_call_enter(func)	 ((void)0)
#define lockdebug_call_exit(func)	 ((void)0)
#define LOCKDEBUG_CALL_WAIT(func)	 ((void)0)
#define lockdebug_switch()		 ((void)0)
#define lockdebug_userret()		 ((void)0)
#define lockdebug_lwp_exit()		 ((void)0)
#define lockdebug_mem_free(p, n)	 ((void)0)
#define lockdebug_fail_alloc()		 false
#define lockdebug_off()			 ((void)0)

#endif
#endif
