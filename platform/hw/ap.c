/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ap.c - starting the other CPUs: INIT, SIPI, SIPI (Intel SDM vol. 3, 9.4.4.1),
 * one at a time and without fixed waits: the CPU says when it is there.
 *
 * Its interrupt stack and per-CPU block are two pages of the window above an
 * unmapped one.  The trampoline page is mapped at its own physical address
 * while a CPU starts; and for good if one does not answer, because it may
 * come later, and halts when it sees that nobody waits for it.  It would use what
 * another that starts has been given, so none is started after that.
 */
#include "machine.h"

#include <errno.h>

#define EFER_LME      0x100
#define EFER_NXE      0x800
#define CR4_BITS      0x620 /* PAE OSFXSR OSXMMEXCPT */
#define MSR_GS_BASE   0xc0000101
#define WAIT_NS	      2000000000ULL
#define SIPI_AGAIN_NS 200000

uint32_t hw_apic_ids[RUMPUSER_MAXCPUS];
unsigned hw_ncpu = 1;
uint64_t hw_trampoline_pa;

/* Handed to the one CPU that starts. */
uintptr_t hw_ap_stack;
static struct hw_cpu *ap_cpu;
static volatile enum { AP_AWAITED, AP_THERE, AP_STARTED, AP_GIVEN_UP } ap_state;
static struct hw_lock ap_lock;

extern char hw_tramp_gdtr[], hw_tramp_far[], hw_tramp_cr3[], hw_tramp_cr4[], hw_tramp_efer[],
    hw_tramp_entry[];
extern char hw_ap_entry[];
void hw_ap_main(void) __attribute__((noreturn));

static void put32(uint8_t *page, const char *at, uint32_t v)
{
	__builtin_memcpy(page + (at - hw_trampoline), &v, sizeof(v));
}

static void prepare_trampoline(void)
{
	uint8_t *page = hw_phys(hw_trampoline_pa);
	uintptr_t entry = (uintptr_t)hw_ap_entry;

	__builtin_memcpy(page, hw_trampoline, hw_trampoline_end - hw_trampoline);
	put32(page, hw_tramp_gdtr + 2, hw_load32(hw_tramp_gdtr + 2) + hw_trampoline_pa);
	put32(page, hw_tramp_far, hw_load32(hw_tramp_far) + hw_trampoline_pa);
	put32(page, hw_tramp_cr3, hw_pml4_pa);
	put32(page, hw_tramp_cr4, CR4_BITS);
	put32(page, hw_tramp_efer, EFER_LME | (hw_features.nx ? EFER_NXE : 0));
	__builtin_memcpy(page + (hw_tramp_entry - hw_trampoline), &entry, sizeof(entry));
}

/* The block of a new CPU; kept if the CPU does not come up. */
static struct hw_cpu *block_alloc(unsigned index)
{
	uint64_t stack, block;
	uintptr_t va;

	if (hw_cpus[index] != NULL)
		return hw_cpus[index];
	stack = rumpkern_page_alloc();
	block = rumpkern_page_alloc();
	va = hw_window + RUMPUSER_PAGE_SIZE;
	if (stack == 0 || block == 0 ||
	    rumpuser_pmap_enter(va, stack, 1, RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE) != 0 ||
	    rumpuser_pmap_enter(
		va + RUMPUSER_PAGE_SIZE, block, 1, RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE) != 0) {
		if (stack != 0)
			rumpkern_page_free(stack);
		if (block != 0)
			rumpkern_page_free(block);
		return NULL;
	}
	hw_window = va + 2 * RUMPUSER_PAGE_SIZE;
	hw_cpus[index] = (struct hw_cpu *)(va + HW_ISTACK_SIZE);
	return hw_cpus[index];
}

void hw_ap_main(void)
{
	struct hw_cpu *hc;
	struct rumpuser_cpu *cpu;

	while (!__sync_bool_compare_and_swap(&ap_state, AP_AWAITED, AP_THERE))
		__asm__ volatile("cli; hlt");
	hc = ap_cpu;
	cpu = hc->cpu;
	hw_wrmsr(MSR_GS_BASE, (uintptr_t)cpu);
	hw_cpu_init(hc, cpu->index);
	__atomic_fetch_or(&hw_online, 1U << cpu->index, __ATOMIC_SEQ_CST);
	hw_write_cr3(hw_read_cr3()); /* from here on we are told what to flush */
	hw_machine_cpu_init();
	hw_lapic_init();
	hw_clock_cpu_init();
	__atomic_store_n(&ap_state, AP_STARTED, __ATOMIC_RELEASE);
	rumpkern_cpu_main(cpu);
}

/*
 * A hypervisor loses no SIPI, and a second one does harm: in QEMU 7.2 an
 * interrupt that is sent to the new CPU at about the same time is never taken.
 */
static int start(uint32_t apic_id)
{
	uint64_t begin = rumpuser_clock_monotonic(), now;
	bool again = !hw_features.hypervisor;

	hw_lapic_start_ap(apic_id, hw_trampoline_pa, true);
	while (__atomic_load_n(&ap_state, __ATOMIC_ACQUIRE) != AP_STARTED) {
		now = rumpuser_clock_monotonic();
		if (again && now - begin > SIPI_AGAIN_NS) {
			hw_lapic_start_ap(apic_id, hw_trampoline_pa, false);
			again = false;
		}
		if (now - begin > WAIT_NS &&
		    __sync_bool_compare_and_swap(&ap_state, AP_AWAITED, AP_GIVEN_UP))
			return EIO;
		hw_tlb_poll();
		hw_pause();
	}
	return 0;
}

int rumpuser_cpu_start(struct rumpuser_cpu *cpu, uintptr_t stack_top)
{
	struct hw_cpu *hc;
	uint64_t flags;
	int error;

	if (cpu->index == 0 || cpu->index >= hw_ncpu || (hw_online & 1U << cpu->index))
		return EINVAL;
	if (ap_state == AP_GIVEN_UP)
		return EIO;
	hc = block_alloc(cpu->index);
	if (hc == NULL || rumpuser_pmap_enter(hw_trampoline_pa, hw_trampoline_pa, 1,
			      RUMPUSER_PROT_READ | RUMPUSER_PROT_EXEC) != 0)
		return ENOMEM;
	prepare_trampoline();
	hc->cpu = cpu;
	hc->apic_id = hw_apic_ids[cpu->index];
	cpu->self = cpu;
	cpu->platform = hc;
	flags = hw_lock(&ap_lock);
	ap_cpu = hc;
	hw_ap_stack = stack_top & ~15UL;
	ap_state = AP_AWAITED;
	error = start(hc->apic_id);
	hw_unlock(&ap_lock, flags);
	if (error == 0)
		rumpuser_pmap_remove(hw_trampoline_pa, 1);
	return error;
}
