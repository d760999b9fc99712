/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwps.h - the lwps of an image with their registers, found in its memory from outside: for core
 * dumps.  Where the kernel keeps what is said by IMAGE.debug (symbols, and section .debug_kiln,
 * which rumpcomponents/kern/base/layout.c makes).  The memory is a guest's, so nothing in it is
 * believed: pointers lead to memory or not, lists end somewhere.
 */
#ifndef KILN_LWPS_H
#define KILN_LWPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

#include "symbols.h"

/* Virtual memory of a guest; read() is false if not all of it is there. */
struct guest_memory {
	bool (*read)(void *arg, uint64_t va, void *buf, size_t len);
	void *arg;
};

struct lwp_info {
	int lid;       /* > 0: the program's; < 0: the kernel's */
	bool on_cpu;   /* the registers are a CPU's, not saved ones */
	bool crashed;  /* what the last report is about; the registers are from then */
	char name[17]; /* "" if it has none */
	struct user_regs_struct regs;
};

/*
 * The lwps: the one that crashed first, then the program's that run on CPUs, the program's
 * others, and the kernel's.  cpu[] are the registers of the CPUs, gs_base among them.  base is
 * where the image is. What cannot be read is left out; without any lwp the CPUs are given as lwps
 * 1, 2 ... Returns their number, *v to be freed.
 */
size_t lwps_read(const struct symbols *s, uint64_t base, const struct guest_memory *m,
    const struct user_regs_struct *cpu, size_t ncpu, struct lwp_info **v);

#endif
