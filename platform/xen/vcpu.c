/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcpu.c - the CPUs of a PVH guest.  Xen starts one at once where it is to be, in 64-bit mode
 * (public/hvm/hvm_vcpu.h), and interrupts it by upcalls alone: no local interrupt controller is
 * used.
 */
#include "xen_impl.h"

#include <xen/hvm/hvm_vcpu.h>
#include <xen/vcpu.h>

#define EFER_LMA 0x400
#define RFLAGS	 2 /* always one */

void xen_vcpus_count(void)
{
	while (hw_ncpu < RUMPUSER_MAXCPUS &&
	       xen_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_is_up, hw_ncpu, 0) >= 0)
		hw_ncpu++;
}

void xen_vcpu_register(void)
{
	struct hw_cpu *hc = hw_self();
	struct vcpu_register_vcpu_info info = {0};
	unsigned prot;
	uint64_t pa;

	if (!rumpuser_pmap_extract((uintptr_t)hc->hypervisor, &pa, &prot))
		xen_die("kiln: vcpu_info is not mapped\n");
	info.mfn = pa >> RUMPUSER_PAGE_SHIFT;
	info.offset = pa % RUMPUSER_PAGE_SIZE;
	if (xen_hypercall(
		__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, hc->index, (uintptr_t)&info) != 0)
		xen_die("kiln: Xen refuses vcpu_info\n");
}

void hw_machine_cpu_init(void)
{
	/* The segments are as they should be, but for the selectors, which iretq will load. */
	__asm__ volatile("pushq %q0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1: movl %1, %%ss"
			 :
			 : "r"(HW_SEL_CODE), "r"(HW_SEL_DATA)
			 : "rax", "memory");
	xen_vcpu_register();
}

int hw_machine_cpu_prepare(void)
{
	return 0;
}

void hw_machine_cpu_start(struct hw_cpu *hc, unsigned index)
{
	struct vcpu_hvm_context context = {
	    .mode = VCPU_HVM_MODE_64B,
	    .cpu_regs.x86_64 =
		{
		    .rip = (uintptr_t)hw_ap_entry,
		    .rflags = RFLAGS,
		    .cr0 = HW_CR0_BITS,
		    .cr3 = hw_pml4_pa,
		    .cr4 = HW_CR4_BITS,
		    .efer = HW_EFER_LME | EFER_LMA | (hw_features.nx ? HW_EFER_NXE : 0),
		},
	};

	if (xen_evtchn_cpu_init(index, false) == 0 &&
	    xen_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_initialise, index, (uintptr_t)&context) == 0)
		(void)xen_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_up, index, 0);
}

void hw_machine_cpu_started(void)
{
}
