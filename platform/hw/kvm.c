/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvm.c - the paravirtual clocks of KVM (Linux's Documentation/virt/kvm/x86/msr.rst).
 */
#include "machine.h"

#define SEC			 1000000000ULL
#define MSR_KVM_WALL_CLOCK	 0x4b564d00
#define MSR_KVM_SYSTEM_TIME	 0x4b564d01
#define KVM_FEATURE_CLOCKSOURCE2 (1U << 3)
#define KVM_LEAF_FEATURES	 0x40000001

static bool has_clock(void)
{
	return hw_features.kvm && (hw_cpuid(KVM_LEAF_FEATURES, 0).a & KVM_FEATURE_CLOCKSOURCE2);
}

bool hw_kvm_clock(void)
{
	uint64_t pa;
	unsigned prot;

	if (!has_clock() || !rumpuser_pmap_extract((uintptr_t)&hw_self()->pvclock, &pa, &prot))
		return false;
	hw_wrmsr(MSR_KVM_SYSTEM_TIME, pa | 1);
	return true;
}

/* KVM's: the wall-clock time at which monotonic time was 0. */
uint64_t hw_kvm_epoch(void)
{
	static volatile struct {
		uint32_t version, seconds, ns;
	} wall __attribute__((aligned(16)));
	uint64_t pa;
	unsigned prot;

	if (!has_clock() || !rumpuser_pmap_extract((uintptr_t)&wall, &pa, &prot))
		return 0;
	hw_wrmsr(MSR_KVM_WALL_CLOCK, pa);
	return wall.seconds * SEC + wall.ns;
}
