/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv.h - what the files of platform/xen/pv share.
 *
 * Xen runs a PV guest in ring 3 and keeps two modes for it: its kernel's, in which it may make
 * hypercalls, and its user programs'.  An event or trap that comes in kernel mode pushes its frame
 * right below the interrupted stack pointer, where program code may have its red zone, and where
 * there may be no stack at all; one that comes in user mode, on the stack that was registered.  So
 * everything runs in user mode, kern and program alike, and kernel mode is what microcode is to a
 * machine: a few instructions on the per-CPU interrupt stack (vectors.S), which handle events, move
 * traps to the kernel stack of the lwp, and make the hypercalls that code in user mode asks for.
 * Both modes have the same page tables and GS.
 *
 *  - In kernel mode events are always masked but while the CPU waits in SCHEDOP_block.
 *  - A hypercall is the instruction `syscall` in both modes: from user mode it enters pv_syscall,
 * which makes it again.  Only xen_hypercall() may: elsewhere in the image it is an illegal
 * instruction.
 *  - iretq from user mode to user mode needs no hypercall.
 *
 * hw_irq_save() masks events, in struct vcpu_info.
 *
 * The domain may be put away whenever a CPU takes events, and go on with other machine frames
 * (suspend.c; its tools translate page tables, nothing else).  So events stay masked from where a
 * frame is learned, from a table or a list, until Xen has been told, and no lock of kern's is
 * taken meanwhile: who holds it may be parked.  Frames that are kept are those of page numbers, and
 * those that are learned again after a move.
 */
#ifndef PV_H
#define PV_H

#define PV_CS		     0xe033 /* arch-x86/xen-x86_64.h: FLAT_RING3_CS64, FLAT_RING3_SS64 */
#define PV_SS		     0xe02b
#define PV_VCPU_PENDING	     192 /* in struct hw_cpu: struct vcpu_info */
#define PV_VCPU_MASK	     193
#define PV_VCPU_CR2	     208
#define PV_TRAP_STUB_SIZE    4
#define PV_NTRAPS	     20
#define PV_HYPERCALL_IRET    23
#define PV_HYPERCALL_VERSION 17

#ifndef __ASSEMBLER__
#include "xen_impl.h"

/* As xen_hypercall(), with a fourth argument. */
long pv_hypercall(unsigned op, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d);

/* From vectors.S. */
extern char pv_traps[], pv_event[], pv_failsafe[], pv_syscall[], pv_ap_entry[];
extern struct trap_info pv_trap_table[PV_NTRAPS + 1]; /* ends with an empty one */
void pv_enter_user(void);

extern struct start_info *pv_start_info; /* where it is mapped now */

/* Machine frames by page number; pv_npages of them. */
extern uint64_t *pv_p2m;
extern uint64_t pv_npages;
#define PV_NO_FRAME UINT64_MAX

static inline uint64_t pv_frame(uint64_t pfn)
{
	return pfn < pv_npages ? pv_p2m[pfn] : PV_NO_FRAME;
}

/* The page number behind a machine frame of ours; PV_NO_FRAME if it is none. */
uint64_t pv_page(uint64_t mfn);

/*
 * Map a frame that is not of our memory into the window, where there is room (NULL: there is none)
 * or at `at`, which is from an earlier call; PV_NO_FRAME: nothing is there then.
 */
void *pv_window_frame(void *at, uint64_t mfn);

/* Xen's page tables and stack, given at boot, end here; nothing of them is needed later. */
uint64_t pv_boot_end(void);

uint64_t pv_machine_address(uint64_t pa);

/* Make npages pages from pa, which are mapped read-only in the direct map, writable there. */
void pv_pages_release(uint64_t pa, uint64_t npages);

void pv_control_registers(void);
void pv_block_init(struct hw_cpu *hc, unsigned index);
void pv_vcpu_info_init(struct hw_cpu *hc); /* of this CPU, or of one that is down */
void pv_main(void) __attribute__((noreturn));

/* How many CPUs there are (ap.c). */
unsigned pv_count_cpus(void);

/* Events (intr.c). */
void pv_intr_cpu_init(struct hw_cpu *hc);
void pv_poll(void);

_Static_assert(offsetof(struct hw_cpu, hypervisor) == PV_VCPU_PENDING, "asm offset");
_Static_assert(
    offsetof(struct vcpu_info, evtchn_upcall_mask) == PV_VCPU_MASK - PV_VCPU_PENDING, "asm offset");
_Static_assert(offsetof(struct vcpu_info, arch.cr2) == PV_VCPU_CR2 - PV_VCPU_PENDING, "asm offset");
#endif
#endif
