/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtc.c - the wall clock of a PC: KVM's, else the CMOS clock (Motorola MC146818A).
 *
 * That is read ever again (wall.c), which finds the time that passed while the machine was
 * paused, and where within its second the first reading was, without ever
 * waiting for a second to begin.  Our clock is behind by less than a second at
 * first and approaches from below.
 */
#include "machine.h"

#define SEC	   1000000000ULL

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71
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

uint64_t hw_machine_wall_epoch(uint64_t now, uint64_t before)
{
	uint64_t seconds, epoch = hw_kvm_epoch();

	if (epoch != 0)
		return epoch;
	seconds = cmos_time();
	if (seconds == (now + before) / SEC && before != 0)
		return before;
	/* One behind is our own lag; anything else is a pause, or a clock that was set. */
	return (seconds != 0 ? seconds * SEC : SEC) - now;
}
