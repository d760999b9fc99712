/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hw.h - what the files of platform/hw share.  Nothing above the hypercall
 * interface sees this header.
 *
 * The image is linked at 0, loaded by a boot loader at HW_LOAD_PA and runs at
 * a random virtual base.  Start-up has two halves:
 *
 *  hw_early()  (early.c) runs where the loader put the image, on an identity
 *              mapping; pointers in static data are not relocated yet, so
 *              what it calls (bootproto.c, mem.c, pmap.c, entropy.c) must not
 *              use any: no tables of strings or functions.
 *  hw_main()   (main.c) runs at the final address.
 *
 * Locks here are spin locks with the machine's interrupts off, for the
 * software level (ilevel) can only be lowered by kern.  The page tables need
 * none: see pmap.c.
 */
#ifndef HW_H
#define HW_H

/* Shared with assembly. */
#define HW_LOAD_PA  0x100000
#define HW_SEL_CODE 0x08
#define HW_SEL_DATA 0x10
#define HW_SEL_TSS  0x18
/*
 * Segment descriptors.  That of data has no B bit, which means nothing in long
 * mode but is part of the state for which QEMU translates code: a handler of an
 * interrupt starts with a null stack segment, without it, and what it shares with
 * the rest would be translated twice.
 */
#define HW_DESC_CODE	   0x00af9b000000ffff
#define HW_DESC_DATA	   0x008f93000000ffff
#define HW_CPU_PLATFORM	   56 /* offset of platform in struct rumpuser_cpu */
#define HW_CPU_SIZE	   4096
#define HW_ISTACK_SIZE	   4096
#define HW_BOOT_STACK_SIZE 16384
#define HW_IST_INTR	   1
#define HW_IST_TRAP	   2
#define HW_IST_NMI	   3
#define HW_IST_DOUBLE	   4
#define HW_IST_MACHINE	   5
#define HW_VECTOR_BASE	   32 /* irq n arrives by vector 32 + n */
#define HW_IRQ_TLB	   62 /* a TLB shootdown, the platform's own */
#define HW_IRQ_SPURIOUS	   63
#define HW_NIRQS	   64
#define HW_NVECTORS	   (HW_VECTOR_BASE + HW_NIRQS)

/* Control registers at first. */
#define HW_CR0_BITS  0x80010033 /* PG WP NE ET MP PE */
#define HW_CR4_BITS  0x620	/* PAE OSFXSR OSXMMEXCPT */
#define HW_EFER_LME  0x100
#define HW_EFER_NXE  0x800

#define HW_STUB_SIZE 4 /* an entry of the vectors in vectors.S */
#define HW_STUB_GAP  8 /* between the halves of the interrupts' */

#include <rumpuser.h>

#ifndef __ASSEMBLER__

#ifdef KILN_XEN_PV /* some of it also serves guests that have no machine: platform/xen/pv */
long xen_hypercall(unsigned op, uintptr_t a, uintptr_t b, uintptr_t c);
#endif

/* ------------------------------------------------------ machine operations */

static inline void hw_outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline void hw_outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}
static inline void hw_outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t hw_inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint16_t hw_inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t hw_inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint64_t hw_rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void hw_wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}

static inline uint64_t hw_rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/* a * b / c; the result must fit. */
static inline uint64_t hw_muldiv(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t hi;

	__asm__("mulq %3; divq %4" : "=&a"(a), "=&d"(hi) : "0"(a), "r"(b), "r"(c) : "cc");
	return a;
}

/* v * mul / 2^32 */
static inline uint64_t hw_scale(uint64_t v, uint64_t mul)
{
	return (unsigned __int128)v * mul >> 32;
}

struct hw_cpuid {
	uint32_t a, b, c, d;
};

static inline struct hw_cpuid hw_cpuid(uint32_t leaf, uint32_t sub)
{
	struct hw_cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
			 : "a"(leaf), "c"(sub));
	return r;
}

static inline uint64_t hw_read_cr3(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr3, %0" : "=r"(v));
	return v;
}

static inline void hw_write_cr3(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}

static inline uint64_t hw_read_cr4(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}

static inline void hw_write_cr4(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}
static inline void hw_invlpg(uintptr_t va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}
static inline void hw_pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* Something that takes a time that varies. */
static inline void hw_take_time(void)
{
#ifdef KILN_XEN_PV
	(void)xen_hypercall(17 /* xen_version */, 0, 0, 0);
#else
	(void)hw_inb(0x61);
#endif
}

/*
 * For loops that wait for another CPU.  QEMU's emulation leaves its inner loop
 * at each pause and takes the lock that the other CPU needs to be interrupted,
 * so most turns go without.
 */
static inline void hw_spin(unsigned *turns)
{
	if ((++*turns & 1023) == 0)
		hw_pause();
	else
		__asm__ volatile("" : : : "memory");
}

#if defined(KILN_XEN_PV)
uint64_t hw_irq_save(void);
void hw_irq_restore(uint64_t flags);
#elif defined(KILN_NATIVE) /* unit tests have no interrupts */
static inline uint64_t hw_irq_save(void)
{
	return 0;
}

static inline void hw_irq_restore(uint64_t flags)
{
}
#else
/* Turn the machine's interrupts off; what it returns goes to hw_irq_restore(). */
static inline uint64_t hw_irq_save(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void hw_irq_restore(uint64_t flags)
{
	if (flags & 0x200)
		__asm__ volatile("sti" : : : "memory");
}
#endif

/* --------------------------------------------------- memory at boot (mem.c) */

#define HW_MAXREGIONS 32

extern struct rumpuser_memregion hw_mem[HW_MAXREGIONS]; /* free memory */
extern unsigned hw_nmem;

void hw_mem_add(uint64_t pa, uint64_t size);	 /* whole pages within it, page 0 apart */
void hw_mem_exclude(uint64_t pa, uint64_t size); /* all pages that touch it */

/* What of it can be used while hw_physmap is 0. */
#ifdef KILN_XEN_PV
extern uint64_t hw_identity_end;
#else
#define hw_identity_end (1ULL << 30) /* entry.S */
#endif

/* Contiguous pages, lowest first, not cleared; 0 if there are none. */
uint64_t hw_mem_alloc(size_t npages);

/* ------------------------------------------- boot protocols (bootproto.c) */

struct hw_boot {
	uint64_t cmdline_pa; /* 0: none */
	size_t cmdline_len;  /* without the terminating NUL */
	uint64_t rsdp_pa;    /* ACPI root pointer, 0: search for it */
};

extern struct hw_boot hw_boot;

/*
 * Take what PVH's start_info or multiboot2's information at pa says: fills
 * hw_boot, hw_mem, and calls hw_boot_ram() for each range that the direct map
 * is to cover.
 */
void hw_bootproto(uint32_t magic, uint64_t pa);
void hw_boot_ram(uint64_t pa, uint64_t size);

/* ------------------------------------------------------ CPU features (cpu.c) */

struct hw_features {
	bool nx, gbpages, x2apic, tsc_deadline, fsgsbase, rdrand, rdseed, xsave, hypervisor;
	bool kvm, tcg;
	uint32_t hv_leaf; /* highest hypervisor leaf, 0 if none */
};

extern struct hw_features hw_features;
void hw_features_init(void);
void hw_control_registers(void); /* every CPU */

/* --------------------------------------------------------------- per CPU */

struct hw_tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, iomap;
} __attribute__((packed));

/* What KVM and Xen keep for a CPU; the latter in the second half of its struct vcpu_info. */
struct hw_pvclock {
	uint32_t version, pad;
	uint64_t tsc, ns;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad2[2];
} __attribute__((aligned(32)));

/*
 * One page per CPU, right above the page of its interrupt stack, which has a
 * guard below.  The upper end is the stack of fatal traps.
 */
struct hw_cpu {
	struct rumpuser_cpu *cpu;
	uint64_t deadline; /* ns wanted, UINT64_MAX: none */
	uint64_t armed;	   /* ns the timer hardware is set for, UINT64_MAX: not */
	uint32_t index, apic_id;
	uint32_t icr_dest; /* destination last written to the ICR */
	uint32_t idle;	   /* HW_RUNNING ...; see pmap.c */
	uint64_t gdt[5];
	struct hw_tss tss;
	uint64_t hypervisor[4] __attribute__((aligned(64))); /* Xen's; see platform/xen */
	struct hw_pvclock pvclock;
	uint8_t trap_stack[384] __attribute__((aligned(16)));
	uint8_t nmi_stack[256];
	uint8_t double_stack[256];
	uint8_t machine_stack[256];
	uint8_t fatal_stack[] __attribute__((aligned(16)));
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct hw_cpu) < 1600, "the rest is a stack of 2.5 KB");
_Static_assert(HW_NIRQS == RUMPUSER_IRQ_MAX, "one vector each");
_Static_assert(offsetof(struct rumpuser_cpu, platform) == HW_CPU_PLATFORM, "asm offset");

enum { HW_RUNNING, HW_IDLE, HW_IDLE_FLUSH };

static inline struct rumpuser_cpu *hw_curcpu(void)
{
	struct rumpuser_cpu *cpu;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

static inline struct hw_cpu *hw_self(void)
{
	struct hw_cpu *hc;

	__asm__ volatile("movq %%gs:%c1, %0" : "=r"(hc) : "i"(HW_CPU_PLATFORM));
	return hc;
}

extern struct hw_cpu *hw_cpus[RUMPUSER_MAXCPUS];
extern uint32_t hw_apic_ids[RUMPUSER_MAXCPUS]; /* by CPU index */
extern unsigned hw_ncpu;
extern volatile uint32_t hw_online; /* bit n: CPU n runs */

void hw_cpu_init(struct hw_cpu *hc, unsigned index); /* GDT, TSS, IDT, control registers */
void hw_boot_block(void);		  /* the boot CPU's block until kern attaches its own */
void hw_set_gs(struct rumpuser_cpu *cpu); /* of the CPU that calls */
void hw_cpu_boot_init(void);		  /* the boot CPU, GS for the time before attach */

extern char hw_ap_entry[]; /* where CPUs that start come to, on hw_pml4_pa (ap.c) */

extern uint64_t hw_trampoline_pa; /* below HW_LOAD_PA, if hw_ncpu > 1 (sipi.c) */

/* --------------------------------------------------------- page tables (pmap.c) */

/* Where the direct map may begin: one of 64 steps of 512 GB, of which 256 GB or 16 TB can follow.
 */
#ifdef KILN_XEN_PV
#define HW_PHYSMAP_BASE 0xffff880000000000 /* below, Xen is: arch-x86/xen-x86_64.h */
#else
#define HW_PHYSMAP_BASE 0xffff800000000000
#endif

extern uintptr_t hw_physmap; /* 0 while the identity mapping holds */
extern uint64_t hw_pml4_pa;
extern bool hw_kern_running;		   /* page-table pages come from kern */
extern uintptr_t hw_window, hw_window_end; /* addresses for mappings of our own */

/* Map [pa, pa + len) into the window, for good; NULL: no room. */
void *hw_window_map(uint64_t pa, size_t len, unsigned prot);

/* What the firmware or the boot loader left in [pa, pa + len); NULL if it cannot be mapped. */
void *hw_firmware_map(uint64_t pa, size_t len);

static inline void *hw_phys(uint64_t pa)
{
	return (void *)(hw_physmap + pa);
}

void hw_tlb_flush_local(uintptr_t va, size_t npages);
void hw_tlb_flush(uintptr_t va, size_t npages); /* on all CPUs (tlb.c) */
void hw_tlb_poll(void); /* serve a shootdown, also while waiting with interrupts off */

/* ------------------------------------------------------------ locks (tlb.c) */

struct hw_lock {
	volatile uint32_t held;
};

uint64_t hw_lock(struct hw_lock *l); /* returns what hw_unlock() wants */
void hw_unlock(struct hw_lock *l, uint64_t flags);

/* --------------------------------- interrupts (irq.c, timer.c, intr.c, lapic.c) */

/*
 * Interrupt irq has arrived on this CPU: give it to kern, or note it in ipending.  On the interrupt
 * stack, interrupts off.  True if the interrupted lwp is to be preempted.
 */
bool hw_irq_deliver(unsigned irq, struct rumpuser_trapframe *tf);

/* A new irq number; ENOSPC. */
int hw_irq_alloc(unsigned *irqp);

bool hw_timer_fired(struct hw_cpu *hc); /* is kern's deadline reached? (timer.c) */

void hw_lapic_init(void); /* every CPU */
void hw_lapic_eoi(void);
uint32_t hw_lapic_reference(void); /* let its timer count up; counts per second, 0: not known */
uint32_t hw_lapic_count(void);
uint32_t hw_lapic_id(void);
void hw_lapic_start_ap(uint32_t apic_id, uint64_t trampoline);

/* Route a line to a fixed irq number, on the boot CPU. */
int hw_ioapic_fixed(unsigned gsi, bool level, bool active_low, unsigned irq);

/* ------------------------------------------------------------------ ACPI (acpi.c) */

struct hw_acpi {
	uint64_t dsdt_pa;
	uint32_t pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm_timer, smi_cmd;
	uint64_t sleep_control; /* hardware-reduced ACPI: address of the register, 0: none */
	uint8_t pm1_evt_len, acpi_enable;
	uint16_t sci;
	bool fadt, hw_reduced, sleep_control_io;
};

struct hw_ioapic {
	uint64_t pa;
	uint32_t gsi_base;
	uint32_t *regs; /* mapped at first use */
};

#define HW_MAXIOAPICS 8

extern struct hw_acpi hw_acpi;
extern struct hw_ioapic hw_ioapics[HW_MAXIOAPICS];
extern unsigned hw_nioapics;

void hw_acpi_init(void);
size_t hw_acpi_dsdt(const uint8_t **aml); /* 0 if there is none */

/* Where an ISA interrupt line goes: MADT's overrides. */
void hw_acpi_isa_irq(unsigned irq, unsigned *gsi, bool *level, bool *active_low);

/* ----------------------------------------------------------------- time (clock.c) */

void hw_clock_start(void); /* note the starting points; cheap */
void hw_clock_cpu_init(void);
uint64_t hw_pvclock_read(void);	    /* ns, by hw_self()->pvclock */
void hw_pvclock_forget(void);	    /* it may say less from now on */
void hw_wall_forget(void);	    /* ask the machine anew (wall.c) */
uint64_t hw_ns_to_tsc(uint64_t ns); /* a span */
bool hw_kvm_clock(void);	    /* have KVM keep this CPU's pvclock */
uint64_t hw_kvm_epoch(void);	    /* as hw_machine_wall_epoch(); 0: not on KVM */

/* -------------------------------------------------------- power (power.c) and rest */

bool hw_power_intr(void);	     /* was the interrupt the button? */
void hw_status_write(const char *s); /* to the launcher, past the console */
void hw_triple_fault(void) __attribute__((noreturn));
uint64_t hw_random(void); /* usable in hw_early() */
void hw_main(void) __attribute__((noreturn));

static inline uint32_t hw_load32(const void *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t hw_load64(const void *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint16_t hw_load16(const void *p)
{
	uint16_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

/* From the linker script. */
extern char __ehdr_start[], __kiln_text_start[], __kiln_text_end[], __kiln_relro_start[],
    __kiln_relro_end[];
extern char __kiln_data_start[], __kiln_data_end[], __kiln_image_end[];
extern char __kiln_rootfs_start[], __kiln_rootfs_end[];
extern const uint64_t __kiln_relr_start[], __kiln_relr_end[];
extern const uint64_t __kiln_rela_start[], __kiln_rela_end[];

/* From entry.S. */
extern uint64_t hw_pml4[512];
extern char hw_guard0[], hw_boot_stack[], hw_boot_stack_top[], hw_guard1[], hw_istack0[];
extern struct hw_cpu hw_cpu0;
extern char hw_trap_vectors[], hw_intr_vectors[];
extern char hw_trampoline[], hw_trampoline_end[];
extern uint64_t hw_boot_tsc;

#endif
#endif
