/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_mmio.c - the virtio devices that ACPI names (micro-VMs).
 *
 * In the DSDT each is a device with the _HID "LNRO0005" and a resource template of
 * one Memory32Fixed and one Extended Interrupt descriptor (ACPI 6.4, 6.4.3).
 * Looking for these bytes takes the place of an AML interpreter; what does not
 * look like that is passed over.
 */
#include "hw.h"

#define HID_LEN	   9   /* "LNRO0005" and its NUL */
#define SCAN_MAX   128 /* the descriptors follow within so many bytes */
#define MEM32_TAG  0x86
#define MEM32_LEN  12
#define EXTIRQ_TAG 0x89
#define EXTIRQ_LEN 9

static bool is_hid(const uint8_t *p)
{
	static const char hid[HID_LEN] = "LNRO0005";

	for (unsigned i = 0; i < HID_LEN; i++)
		if (p[i] != (uint8_t)hid[i])
			return false;
	return true;
}

static bool read_resources(
    const uint8_t *p, const uint8_t *end, uint64_t *pa, uint64_t *size, unsigned *gsi)
{
	bool mem = false;

	for (; end - p >= MEM32_LEN; p++) {
		if (!mem && p[0] == MEM32_TAG && hw_load16(p + 1) == MEM32_LEN - 3) {
			*pa = hw_load32(p + 4);
			*size = hw_load32(p + 8);
			mem = true;
			p += MEM32_LEN - 1;
		} else if (mem && p[0] == EXTIRQ_TAG && hw_load16(p + 1) == EXTIRQ_LEN - 3 &&
			   p[4] == 1) {
			*gsi = hw_load32(p + 5);
			return true;
		}
	}
	return false;
}

bool rumpuser_virtio_mmio(unsigned n, uint64_t *pa, uint64_t *size, unsigned *gsi)
{
	const uint8_t *aml = NULL, *p, *end;
	size_t len = hw_acpi.hw_reduced ? hw_acpi_dsdt(&aml) : 0;

	end = aml + len;
	for (p = aml; len > 0 && end - p >= HID_LEN + MEM32_LEN; p++) {
		if (!is_hid(p) || n-- > 0)
			continue;
		p += HID_LEN;
		return read_resources(p, end - p > SCAN_MAX ? p + SCAN_MAX : end, pa, size, gsi);
	}
	return false;
}
