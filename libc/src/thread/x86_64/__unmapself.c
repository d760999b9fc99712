/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a detached thread: only the kernel can unmap the stack it runs on. */
#include "pthread_impl.h"
#include "syscall.h"

void __unmapself(void *base, size_t size)
{
	__syscall(SYS_kiln_unmapself, base, size);
	a_crash();
}
