/* SPDX-License-Identifier: BSD-2-Clause */
/* A plain call: there is no vDSO to look for and no old kernel to put up with. */
#include <time.h>
#include "syscall.h"

int __clock_gettime(clockid_t clock, struct timespec *ts)
{
	long r = __syscall(SYS_clock_gettime, clock, ts);

	return r ? __syscall_ret(r) : 0;
}

weak_alias(__clock_gettime, clock_gettime);
