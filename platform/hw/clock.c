/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock.c - monotonic time: the hypervisor's paravirtual clock, else the time stamp
 * counter.
 *
 * The counter's frequency comes from CPUID, or is measured against the ACPI PM
 * timer or the 8254.  Nobody waits for a long measurement: the first one spans
 * what start-up took anyway (at least LEAST_NS), and as the clock is read later
 * it is replaced by ones over ever longer spans.  A new rate continues from
 * the time reached, so the clock never goes back; the error made until then
 * (a percent of 2 ms, then some millionths) stays in it.
 *
 * Readers take no lock (rumpuser_clock_read()): line.seq is even while the writer, who has
 * interrupts off and is alone by clk.busy, changes the parameters.
 */
#include "machine.h"

#define HV_LEAF_FREQUENCY 0x40000010

#define PM_TIMER_HZ	  3579545
#define PM_TIMER_MASK	  0xffffff
#define PIT_HZ		  1193182
#define PIT_MASK	  0xffff
#define PIT_CHANNEL0	  0x40
#define PIT_COMMAND	  0x43
#define SLOWEST_TSC	  800 /* MHz; decides when a reference may have wrapped */

#define MS		  1000000ULL
#define LEAST_NS	  (MS / 10)
#define SHORT_NS	  (100 * MS)
#define LONG_NS		  (10000 * MS)

/* The reference that a counter without known frequency is measured against. */
static struct {
	uint32_t hz, mask; /* hz 0: none */
	uint16_t port;	   /* PM timer; 0: the 8254, or the APIC's timer */
	bool apic, good;   /* good: the rate is known to some millionths */
	uint32_t count0;
	uint64_t tsc0;
} ref;

static struct {
	uint32_t busy;
	uint64_t inverse; /* ticks per ns, times 2^32 */
} clk;
#define line rumpuser_clock /* .next: at which to do better; INT64_MAX: never */

static bool pv;

static uint32_t ref_count(void)
{
	uint32_t lo;

	if (ref.port != 0)
		return hw_inl(ref.port) & ref.mask;
	if (ref.apic)
		return hw_lapic_count();
	hw_outb(PIT_COMMAND, 0); /* latch channel 0 */
	lo = hw_inb(PIT_CHANNEL0);
	return -(lo | (uint32_t)hw_inb(PIT_CHANNEL0) << 8) & ref.mask; /* counts down */
}

/* A reading of both clocks; the TSC in the middle of the reference's. */
static uint64_t ref_read(uint32_t *count)
{
	uint64_t before = hw_rdtsc();

	*count = ref_count();
	return before + (hw_rdtsc() - before) / 2;
}

static void ref_restart(void)
{
	ref.tsc0 = ref_read(&ref.count0);
}

static void set_rate(uint64_t now, uint64_t mul, uint64_t next_ns)
{
	uint64_t ns = line.ns + hw_scale(now - line.tsc, line.mul);

	line.seq = (line.seq + 1) & ~1U;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	line.ns = ns; /* first: who sees the new tsc sees it, too */
	line.tsc = now;
	line.mul = mul;
	clk.inverse = UINT64_MAX / mul;
	line.next = next_ns == UINT64_MAX ? INT64_MAX : hw_scale(next_ns, clk.inverse);
	__atomic_store_n(&line.seq, line.seq + 1, __ATOMIC_RELEASE);
}

/* mul from `ticks` ticks in `counts` of the reference */
static uint64_t rate(uint64_t ticks, uint64_t counts)
{
	uint64_t ns = hw_muldiv(counts, 1000000000, ref.hz);

	while (ns >> 32) {
		ns >>= 1;
		ticks >>= 1;
	}
	return (ns << 32) / (ticks | 1);
}

static void measure_first(void)
{
	const uint64_t wrap = (uint64_t)ref.mask * SLOWEST_TSC / (ref.hz / 1000000),
		       least = hw_muldiv(ref.hz, ref.apic ? 50 * LEAST_NS : LEAST_NS, 1000000000);
	uint64_t tsc;
	uint32_t count;

	for (;;) {
		tsc = ref_read(&count);
		if (tsc - ref.tsc0 > wrap)
			ref_restart();
		else if (((count - ref.count0) & ref.mask) >= least)
			break;
		hw_pause();
	}
	/* The APIC's timer has other work from now on. */
	set_rate(tsc, rate(tsc - ref.tsc0, (count - ref.count0) & ref.mask),
	    ref.apic ? UINT64_MAX : 2 * MS);
}

/* Over a span that is longer; what the rate is now tells how often the reference has wrapped. */
static void measure_again(void)
{
	const uint64_t period = (uint64_t)ref.mask + 1;
	uint64_t tsc, expected, counts;
	uint32_t count, part;

	tsc = ref_read(&count);
	expected = hw_scale(tsc - ref.tsc0, line.mul); /* ns */
	if (expected > hw_muldiv(period, 1000000000, ref.hz) * (ref.good ? 500 : 5)) {
		/* Too long to be sure. */
		ref_restart();
		set_rate(tsc, line.mul, ref.good ? LONG_NS : SHORT_NS);
		return;
	}
	part = (count - ref.count0) & ref.mask;
	counts = hw_muldiv(expected, ref.hz, 1000000000) + period / 2;
	counts = counts > part ? part + (counts - part) / period * period : part;
	ref.good |= expected >= SHORT_NS / 2;
	set_rate(tsc, rate(tsc - ref.tsc0, counts),
	    expected >= LONG_NS / 2 ? UINT64_MAX
	    : ref.good		    ? LONG_NS
				    : SHORT_NS);
}

static __attribute__((noinline, cold)) void measure(void)
{
	uint64_t flags = hw_irq_save();

	if (__atomic_exchange_n(&clk.busy, 1, __ATOMIC_ACQUIRE) == 0) {
		if (line.mul == 0)
			measure_first();
		else if (hw_rdtsc() - line.tsc > line.next)
			measure_again();
		__atomic_store_n(&clk.busy, 0, __ATOMIC_RELEASE);
	}
	hw_irq_restore(flags);
}

static __attribute__((noinline, cold)) uint64_t read_slowly(void)
{
	if (pv)
		return hw_pvclock_read();
	/* A CPU whose counter is a little behind must not see a huge span. */
	if ((int64_t)(hw_rdtsc() - line.tsc) <= 0)
		return line.ns;
	measure();
	return rumpuser_clock_monotonic();
}

uint64_t rumpuser_clock_monotonic(void)
{
	uint64_t ns;

	return rumpuser_clock_read(&ns) ? ns : read_slowly();
}

uint64_t hw_ns_to_tsc(uint64_t ns)
{
	return hw_scale(ns, clk.inverse);
}

void hw_clock_cpu_init(void)
{
	if (pv)
		(void)hw_kvm_clock();
}

static bool pv_init(void)
{
	const struct hw_pvclock *p = &hw_self()->pvclock;

	if (!hw_kvm_clock() || p->mul == 0)
		return false;
	pv = true;
	/* ticks per ns: 2^32 / (mul * 2^shift) */
	clk.inverse = UINT64_MAX / p->mul;
	clk.inverse = p->shift >= 0 ? clk.inverse >> p->shift : clk.inverse << -p->shift;
	return true;
}

/* The counter's frequency, where the processor or the hypervisor says it exactly. */
static uint64_t known_khz(void)
{
	struct hw_cpuid r;

	if (hw_features.hv_leaf >= HV_LEAF_FREQUENCY) {
		r = hw_cpuid(HV_LEAF_FREQUENCY, 0);
		if (r.a != 0)
			return r.a;
	}
	if (hw_cpuid(0, 0).a < 0x15)
		return 0;
	r = hw_cpuid(0x15, 0);
	return r.a != 0 && r.b != 0 && r.c != 0 ? (uint64_t)r.c / 1000 * r.b / r.a : 0;
}

static bool pit_counts(void)
{
	uint32_t first, i;

	/* Mode 0 interrupts once at most and goes on counting. */
	hw_outb(PIT_COMMAND, 0x30);
	hw_outb(PIT_CHANNEL0, 0xff);
	hw_outb(PIT_CHANNEL0, 0xff);
	first = ref_count();
	for (i = 0; i < 20 && ref_count() == first; i++)
		hw_pause();
	return i < 20;
}

/* No PM timer. */
static void other_reference(void)
{
	ref.hz = PIT_HZ;
	ref.mask = PIT_MASK;
	if (pit_counts())
		return;
	ref.apic = true;
	ref.hz = hw_lapic_reference();
	ref.mask = UINT32_MAX;
	if (ref.hz == 0)
		set_rate(line.tsc, 1ULL << 32, UINT64_MAX); /* as good as any: 1 GHz */
}

void hw_clock_start(void)
{
	uint64_t khz;

	if (pv_init())
		return;
	line.tsc = hw_rdtsc();
	khz = known_khz();
	if (khz != 0) {
		set_rate(line.tsc, (MS << 32) / khz, UINT64_MAX);
		return;
	}
	if (hw_acpi.pm_timer != 0 && hw_acpi.pm_timer <= UINT16_MAX) {
		ref.port = hw_acpi.pm_timer;
		ref.hz = PM_TIMER_HZ;
		ref.mask = PM_TIMER_MASK;
	} else {
		other_reference();
	}
	if (ref.hz == 0)
		return;
	ref_restart();
	/* line.next is 0: the first reader measures. */
}
