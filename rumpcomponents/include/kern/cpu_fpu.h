/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vector and x87 state of an lwp, for signal delivery.  l->l_fpu is its save area; the
 * scheduler uses it when an lwp with l_fpulive is switched away from, so use
 * it only as a copy of what is live, or with l_fpulive false.
 */
#ifndef KERN_CPU_FPU_H
#define KERN_CPU_FPU_H

#include <stdint.h>

struct lwp;

/* Bytes of a save area: 512, or more in XSAVE's format. */
extern uint32_t cpu_fpu_size;
/* Registers to and from l->l_fpu. */
void cpu_fpu_save(struct lwp *l);
void cpu_fpu_restore(struct lwp *l);
/* XCR0: the components of the state that may be restored; 0 with FXSAVE. */
uint64_t cpu_fpu_mask(void);

#endif
