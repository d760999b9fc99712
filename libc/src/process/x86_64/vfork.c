/* SPDX-License-Identifier: BSD-2-Clause */
/* There is one process; the call names itself on the console and fails. */
#define _GNU_SOURCE
#include <unistd.h>
#include "syscall.h"

pid_t vfork(void)
{
	return syscall(SYS_vfork);
}
