/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slow ways of cancellable calls in programs that have no pthread_cancel():
 * nobody can ask for cancellation there.  pthread_cancel.c has the real ones.
 */
#include "pthread_impl.h"
#include "syscall.h"

static long no_request(long n)
{
	return 0;
}
weak_alias(no_request, __kiln_cp_enter);

static long interrupted(long n)
{
	return -EINTR;
}
weak_alias(interrupted, __kiln_cp_eintr);
