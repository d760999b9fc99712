/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions that a component for debugging may put its own before, at no cost to images without it.
 *
 * HOOK_POINT(f), before the definition of f, makes it weak and gives it the name f_plain as well. A
 * component that exists only if it is asked for (FOR := @with) defines f anew and calls f_plain.
 * One image can have one such component for a function.
 */
#ifndef KERN_HOOK_H
#define KERN_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#define HOOK_POINT(f)                                                                              \
	extern __typeof(f) f __attribute__((weak));                                                \
	extern __typeof(f) f##_plain __attribute__((alias(#f)))

struct cpu_info;
struct lwp;

/* kern/base.  Switch from old to new; the CPU is held. */
struct lwp *cpu_switchto(struct lwp *old, struct lwp *new);
struct lwp *cpu_switchto_plain(struct lwp *old, struct lwp *new);
/* An interrupt is delivered; ilevel 1. */
void cpu_intr(struct cpu_info *ci, unsigned irq);
void cpu_intr_plain(struct cpu_info *ci, unsigned irq);
/* The program has crashed, and that was reported.  The other CPUs are stopped: take no locks. */
void base_crash_end(int signo) __attribute__((noreturn));
void base_crash_end_plain(int signo) __attribute__((noreturn));

/* kern/mem.  A page fault; see <kern/vm_map.h>. */
int vm_fault(uintptr_t va, bool write, bool exec, int *sicode);
int vm_fault_plain(uintptr_t va, bool write, bool exec, int *sicode);
/* Pages; see <kern/kmem.h>.  page_alloc_user() is the same for the program. */
uint64_t page_alloc_plain(unsigned order);
uint64_t page_alloc_user(unsigned order);
uint64_t page_alloc_user_plain(unsigned order);
/* Pages free, but for those in the caches of CPUs, and all. */
extern uint64_t page_nfree, page_ntotal;

#endif
