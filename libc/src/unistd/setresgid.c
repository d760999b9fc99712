/* SPDX-License-Identifier: BSD-2-Clause */
/* Credentials belong to the process here: one call does, and no other is drawn in. */
#define _GNU_SOURCE
#include <unistd.h>
#include "syscall.h"

int setresgid(gid_t rgid, gid_t egid, gid_t sgid)
{
	return syscall(SYS_setresgid, rgid, egid, sgid);
}
