/* SPDX-License-Identifier: BSD-2-Clause */
/* What posix_spawn() calls instead of clone(2): a child in our memory, on a stack of its own. */
#include <stdint.h>
#include <unistd.h>
#include "syscall.h"

/* What the child finds at its stack pointer, which is 8 off a multiple of 16. */
struct start {
	void *return_address; /* zero: backtraces end here */
	int (*func)(void *);
	void *arg;
};

static void child_entry(void *p)
{
	struct start *start = p;

	_exit(start->func(start->arg));
}

/* The flags are clone's, and always the same. */
hidden int __kiln_spawn(int (*func)(void *), void *stack, int flags, void *arg)
{
	struct start *start = (struct start *)((uintptr_t)stack & -16) - 1;

	(void)flags;
	*start = (struct start){0, func, arg};
	return __syscall(SYS_kiln_vfork, child_entry, start, 0);
}
