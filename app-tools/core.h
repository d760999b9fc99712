/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.h - core dumps of guests: an ELF core as gdb knows it from Linux, of the virtual memory of
 * the one address space, kernel and program, with a thread for each lwp.
 *
 * AT_ENTRY in the auxiliary vector tells gdb where the image was: it moves the symbols of
 * IMAGE.debug there by itself.  Threads have the program's thread ids; those of kernel lwps begin
 * at CORE_KERNEL_LWP.  Pages of zeroes are holes in the file.
 */
#ifndef KILN_CORE_H
#define KILN_CORE_H

#include "lwps.h"

#define CORE_KERNEL_LWP 1000000 /* id of the thread for kernel lwp -n: this + n */

/* A range of memory, and where read() finds it. */
struct core_segment {
	uint64_t va, size;
	uint64_t pa;	/* whatever read() takes */
	unsigned flags; /* PF_* */
};

/* Memory that is written once, whatever segments show it: pa .. pa + size. */
struct core_memory {
	uint64_t pa, size;
};

struct core {
	const struct symbols *symbols;
	const char *program;
	int signo; /* what ended it, 0 if nothing did */
	/* Registers of the CPUs, gs_base among them. */
	struct user_regs_struct *cpu;
	size_t ncpu;
	/* Memory, and segments in rising order of va, each in one piece of memory. */
	struct core_memory *memory;
	size_t nmemory;
	struct core_segment *segment;
	size_t nsegment;
	bool (*read)(void *arg, uint64_t pa, void *buf, size_t len);
	void *arg;
};

/*
 * Write the core to path, which is opened anew; false, with *why said (not to be freed), if
 * that fails.  *nlwps, unless NULL, is the number of threads in it.
 */
bool core_write(struct core *c, const char *path, const char **why, size_t *nlwps);

/* What QEMU has dumped (dump-guest-memory) as a core.  As above. */
bool core_from_qemu(const char *dump, const struct symbols *s, const char *program, int signo,
    const char *path, const char **why);
/* A hosted image, a child of ours; it is stopped meanwhile.  As above. */
bool core_from_process(pid_t pid, const struct symbols *s, const char *program, int signo,
    const char *path, const char **why);

#endif
