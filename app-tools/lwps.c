/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An lwp that runs has its registers in a CPU, unless it is the one whose end is being reported:
 * base_crash_frame then points at a struct rumpuser_trapframe.  Of any other l_rsp points at what
 * cpu_switchto() has pushed.  A CPU's GS base is its struct rumpuser_cpu.
 */
#include "lwps.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define MAX_LWPS 100000
#define MAGIC	 "KILNLWP1"

/* struct rumpuser_cpu, whose layout is part of the hypercall interface */
#define CPU_CURLWP 8
#define CPU_INDEX  44

/* The section's contents; the order is layout.c's. */
struct layout {
	char magic[8];
	uint32_t next, lid, stat, rsp, kstack_base, kstack_top, tls, kernel, name, oncpu, zombie;
};

/* struct rumpuser_trapframe */
struct trapframe {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t addr, trapno, err, rip, cs, rflags, rsp, ss;
};

/* What cpu_switchto() pops. */
struct switch_frame {
	uint64_t control, r15, r14, r13, r12, rbx, rbp, rip;
};

struct reader {
	const struct symbols *s;
	uint64_t base;
	const struct guest_memory *m;
	struct layout at; /* a copy: in the file it may lie anywhere */
	const struct user_regs_struct *cpu;
	size_t ncpu;
	uint64_t crash_frame;
	uint32_t crash_cpu;
};

static bool get(const struct reader *r, uint64_t va, void *buf, size_t len)
{
	return r->m->read(r->m->arg, va, buf, len);
}

static bool get_symbol(const struct reader *r, const char *name, void *buf, size_t len)
{
	uint64_t value;

	return symbols_any(r->s, name, &value) && get(r, r->base + value, buf, len);
}

static void from_trapframe(const struct trapframe *tf, struct user_regs_struct *to)
{
	to->r15 = tf->r15;
	to->r14 = tf->r14;
	to->r13 = tf->r13;
	to->r12 = tf->r12;
	to->r11 = tf->r11;
	to->r10 = tf->r10;
	to->r9 = tf->r9;
	to->r8 = tf->r8;
	to->rbp = tf->rbp;
	to->rdi = tf->rdi;
	to->rsi = tf->rsi;
	to->rdx = tf->rdx;
	to->rcx = tf->rcx;
	to->rbx = tf->rbx;
	to->rax = tf->rax;
	to->orig_rax = UINT64_MAX; /* not in a system call, as Linux has it */
	to->rip = tf->rip;
	to->cs = tf->cs;
	to->eflags = tf->rflags;
	to->rsp = tf->rsp;
	to->ss = tf->ss;
}

/* Registers of l that runs on some CPU; false if on none. */
static bool running(const struct reader *r, uint64_t l, struct lwp_info *info)
{
	struct trapframe tf;
	uint64_t cur;
	uint32_t index;

	for (size_t i = 0; i < r->ncpu; i++) {
		uint64_t gs = r->cpu[i].gs_base;

		if (gs == 0 || !get(r, gs + CPU_CURLWP, &cur, sizeof(cur)) || cur != l)
			continue;
		info->on_cpu = true;
		info->regs = r->cpu[i];
		if (r->crash_frame != 0 && get(r, gs + CPU_INDEX, &index, sizeof(index)) &&
		    index == r->crash_cpu && get(r, r->crash_frame, &tf, sizeof(tf))) {
			info->crashed = true;
			from_trapframe(&tf, &info->regs);
		}
		return true;
	}
	return false;
}

static bool saved(const struct reader *r, uint64_t l, struct user_regs_struct *regs)
{
	struct switch_frame f;
	uint64_t rsp, tls;

	if (!get(r, l + r->at.rsp, &rsp, sizeof(rsp)) || !get(r, rsp, &f, sizeof(f)) ||
	    !get(r, l + r->at.tls, &tls, sizeof(tls)))
		return false;
	*regs = (struct user_regs_struct){.r15 = f.r15,
	    .r14 = f.r14,
	    .r13 = f.r13,
	    .r12 = f.r12,
	    .rbx = f.rbx,
	    .rbp = f.rbp,
	    .rip = f.rip,
	    .rsp = rsp + sizeof(f),
	    .orig_rax = UINT64_MAX,
	    .eflags = 0x202,
	    .fs_base = tls};
	return true;
}

/* One lwp; false if there is nothing to be told of it. */
static bool read_lwp(const struct reader *r, uint64_t l, struct lwp_info *info)
{
	const struct layout *at = &r->at;
	int32_t stat;

	*info = (struct lwp_info){0};
	if (!get(r, l + at->lid, &info->lid, sizeof(info->lid)) ||
	    !get(r, l + at->stat, &stat, sizeof(stat)) || !get(r, l + at->name, info->name, 16))
		return false;
	if ((uint32_t)stat == at->zombie)
		return false;
	return running(r, l, info) || saved(r, l, &info->regs);
}

static int rank(const struct lwp_info *l)
{
	return l->crashed ? 0 : l->lid < 0 ? 3 : l->on_cpu ? 1 : 2;
}

static int by_rank(const void *a, const void *b)
{
	const struct lwp_info *x = a, *y = b;

	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	return abs(x->lid) - abs(y->lid);
}

size_t lwps_read(const struct symbols *s, uint64_t base, const struct guest_memory *m,
    const struct user_regs_struct *cpu, size_t ncpu, struct lwp_info **v)
{
	struct reader r = {.s = s, .base = base, .m = m, .cpu = cpu, .ncpu = ncpu};
	const void *section;
	size_t len, n = 0;
	uint64_t l;

	*v = NULL;
	section = symbols_section(s, ".debug_kiln", &len);
	if (section != NULL && len >= sizeof(r.at))
		memcpy(&r.at, section, sizeof(r.at));
	if (memcmp(r.at.magic, MAGIC, 8) == 0 && get_symbol(&r, "rumpns_alllwp", &l, sizeof(l))) {
		if (!get_symbol(&r, "rumpns_base_panic_cpu", &r.crash_cpu, sizeof(r.crash_cpu)) ||
		    !get_symbol(
			&r, "rumpns_base_crash_frame", &r.crash_frame, sizeof(r.crash_frame)))
			r.crash_frame = 0;
		uint64_t seen = 0; /* every 2^n-th of the list, to find that it goes round */

		for (size_t i = 1; i < MAX_LWPS && l != 0 && l != seen; i++) {
			struct lwp_info info;

			if ((i & (i - 1)) == 0)
				seen = l;
			if (read_lwp(&r, l, &info)) {
				*v = grow(*v, n, sizeof(**v));
				(*v)[n++] = info;
			}
			if (!get(&r, l + r.at.next, &l, sizeof(l)))
				break;
		}
	}
	if (n == 0) {
		*v = xcalloc(ncpu, sizeof(**v));
		for (; n < ncpu; n++)
			(*v)[n] =
			    (struct lwp_info){.lid = (int)n + 1, .on_cpu = true, .regs = cpu[n]};
	}
	qsort(*v, n, sizeof(**v), by_rank);
	return n;
}
