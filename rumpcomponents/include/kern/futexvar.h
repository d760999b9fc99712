/* SPDX-License-Identifier: BSD-2-Clause */
/* Futexes as the rest of the kernel needs them. */
#ifndef KERN_FUTEXVAR_H
#define KERN_FUTEXVAR_H

struct lwp;

/* Wake at most n lwps that wait at uaddr; how many were woken.  May sleep. */
int futex_wake_addr(int *uaddr, int n) __attribute__((weak));

/*
 * l, the current lwp, ends: locks on its robust list are marked
 * FUTEX_OWNER_DIED and their waiters woken; PI locks that are waited for are handed
 * on.  A damaged list is given up on.  May sleep.
 */
void futex_exit_robust(struct lwp *l) __attribute__((weak));

#endif
