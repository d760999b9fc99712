/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * profile.h - the sampling profiler: from outside, a guest is stopped for a moment, many times a
 * second, and the stacks of its CPUs are taken.  An image needs nothing for it.
 *
 *   profile.c         stacks from registers and memory; their number; their names
 *   profile_qemu.c    a machine: QEMU's gdb server
 *   profile_hosted.c  a process: ptrace(2)
 *   flame.c           the picture
 *
 * Stacks are followed by frame pointers, which all of an image has, and are wrong where there is
 * none (yet): at the first instruction of a function, in functions in assembly; see callers().
 */
#ifndef KILN_PROFILE_H
#define KILN_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "symbols.h"

#define PROFILE_RATE	 97 /* samples a second, not in step with clocks of the guest */
#define PROFILE_RATE_MAX 1000
#define PROFILE_CPUS	 32

struct profile_cpu {
	uint64_t rip, rsp, rbp;
};

/* A guest that can be stopped. */
struct sampler {
	/*
	 * Stop it, and store the registers of those of its CPUs that run; *n is their number.
	 * False: it has ended, or does not answer; it is not called again.
	 */
	bool (*stop)(void *arg, struct profile_cpu cpu[PROFILE_CPUS], size_t *n);
	/* While it is stopped. */
	bool (*read)(void *arg, uint64_t va, void *buf, size_t len);
	bool (*go)(void *arg);
	void *arg;
};

struct profile;

struct profile *profile_new(const struct symbols *s, const struct sampler *sampler);
/* Take one sample.  False: it was the last. */
bool profile_sample(struct profile *p);
/*
 * Write BASE.folded, a line for each stack, outermost first, with its count, and BASE.svg.  A line
 * on standard error says what was found.  Ends the command if they cannot be written.
 */
void profile_write(const struct profile *p, const char *base, const char *title);
/* Ends the command if it could not write these; they are empty then. */
void profile_check(const char *base);

/* QEMU's gdb server at the other end of a socket, as a sampler. */
void profile_qemu(int fd, struct sampler *s);

/* A hosted image, a child of ours. */
void profile_hosted(pid_t pid, struct sampler *s);

/*
 * flame.c: folded stacks as a flame graph, a picture that needs nothing else.  kernel marks the
 * frames that are to be told from the program's by their colour.
 */
struct flame_frame {
	const char *name;
	bool kernel;
};
struct flame_stack {
	struct flame_frame *frame; /* outermost first */
	size_t n;
	uint64_t count;
};
void flame_svg(struct sbuf *out, const struct flame_stack *stack, size_t n, const char *title);

#endif
