/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtc.c - wall-clock time: monotonic time plus an offset, which comes from
 * KVM's wall clock or the CMOS clock (Motorola MC146818A).
 *
 * The CMOS clock is read when somebody asks for the first time, and again
 * every RECHECK_NS: that finds the time that passed while the machine was
 * paused, and where within its second the first reading was, without ever
 * waiting for a second to begin.  Our clock is behind by less than a second at
 * first and approaches from below.
 */
#include "hw.h"

#define SEC			 1000000000ULL
#define RECHECK_NS		 (10 * SEC)
#define MSR_KVM_WALL_CLOCK	 0x4b564d00
#define KVM_FEATURE_CLOCKSOURCE2 (1U << 3)

#define CMOS_INDEX		 0x70
#define CMOS_DATA		 0x71
enum {
	RTC_SECOND = 0,
	RTC_MINUTE = 2,
	RTC_HOUR = 4,
	RTC_DAY = 7,
	RTC_MONTH,
	RTC_YEAR,
	RTC_A,
	RTC_B
};
#define RTC_A_UPDATING 0x80
#define RTC_B_BINARY   0x04
#define RTC_B_24H      0x02
#define RTC_PM	       0x80

static volatile uint64_t offset;     /* wall - monotonic, ns; 0: not known yet */
static volatile uint64_t checked_at; /* monotonic */
static uint32_t busy;

static uint8_t cmos(unsigned reg)
{
	hw_outb(CMOS_INDEX, reg);
	return hw_inb(CMOS_DATA);
}

static unsigned number(uint8_t v, uint8_t mode)
{
	return mode & RTC_B_BINARY ? v : (v >> 4) * 10U + (v & 15);
}

/* Seconds since 1970 of a date in 2000..2099. */
static uint64_t to_unix(unsigned year, unsigned month, unsigned day, uint64_t seconds)
{
	static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	uint64_t days = 10957 + year * 365 + (year + 3) / 4;

	days += before[(month - 1) % 12] + (month > 2 && year % 4 == 0) + day - 1;
	return days * 86400 + seconds;
}

static uint64_t cmos_time(void)
{
	uint8_t v[RTC_YEAR + 1], mode = cmos(RTC_B), hour;
	unsigned i, spins = 0, h;

	do {
		while ((cmos(RTC_A) & RTC_A_UPDATING) && ++spins < 20000)
			hw_pause();
		for (i = RTC_YEAR; i >= RTC_DAY; i--)
			v[i] = cmos(i);
		v[RTC_HOUR] = cmos(RTC_HOUR);
		v[RTC_MINUTE] = cmos(RTC_MINUTE);
		v[RTC_SECOND] = cmos(RTC_SECOND);
		/* No second may have begun in between. */
	} while (v[RTC_SECOND] != 0xff && ++spins < 20000 && v[RTC_SECOND] == 0 &&
		 cmos(RTC_SECOND) != 0);
	if (v[RTC_MONTH] == 0xff)
		return 0; /* no clock */
	hour = v[RTC_HOUR];
	h = number(hour & ~(mode & RTC_B_24H ? 0 : RTC_PM), mode);
	if (!(mode & RTC_B_24H))
		h = h % 12 + (hour & RTC_PM ? 12 : 0);
	return to_unix(number(v[RTC_YEAR], mode), number(v[RTC_MONTH], mode),
	    number(v[RTC_DAY], mode),
	    h * 3600UL + number(v[RTC_MINUTE], mode) * 60UL + number(v[RTC_SECOND], mode));
}

/* KVM's: the wall-clock time at which monotonic time was 0. */
static uint64_t kvm_offset(void)
{
	static volatile struct {
		uint32_t version, seconds, ns;
	} wall __attribute__((aligned(16)));
	uint64_t pa;
	unsigned prot;

	if (!hw_features.kvm || !(hw_cpuid(0x40000001, 0).a & KVM_FEATURE_CLOCKSOURCE2) ||
	    !rumpuser_pmap_extract((uintptr_t)&wall, &pa, &prot))
		return 0;
	hw_wrmsr(MSR_KVM_WALL_CLOCK, pa);
	return wall.seconds * SEC + wall.ns;
}

static void check(uint64_t now)
{
	uint64_t v = kvm_offset(), seconds, ours;

	if (v != 0) {
		offset = v;
		return;
	}
	seconds = cmos_time();
	ours = (now + offset) / SEC;
	if (seconds == ours && offset != 0)
		return;
	/* One behind is our own lag; anything else is a pause, or a clock that was set. */
	offset = (seconds != 0 ? seconds * SEC : SEC) - now;
}

uint64_t rumpuser_clock_wall(void)
{
	uint64_t now = rumpuser_clock_monotonic(), flags;

	if (offset == 0 || now - checked_at > RECHECK_NS) {
		flags = hw_irq_save();
		if (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE) == 0) {
			check(now);
			checked_at = now;
			__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
		}
		hw_irq_restore(flags);
		while (offset == 0)
			hw_pause();
	}
	return now + offset;
}
