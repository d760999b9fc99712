/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi.c - the few things we want of ACPI 6.x: the CPUs and interrupt
 * controllers (MADT, 5.2.12) and the fixed hardware (FADT, 5.2.9).
 *
 * Tables are the firmware's and may be broken: lengths are checked, checksums
 * are not, and without tables there is one CPU and one IOAPIC at its usual
 * place.  Fields are read where they lie; nothing is copied, and a table is
 * only looked at again when somebody asks (hw_acpi_isa_irq, hw_acpi_dsdt).
 */
#include "hw.h"

#define HEADER	       36
#define TABLE_MAX      (4U << 20)
#define IOAPIC_DEFAULT 0xfec00000

#define MADT_ENTRIES   44
enum { MADT_LAPIC, MADT_IOAPIC, MADT_OVERRIDE, MADT_X2APIC = 9 };

/* Offsets in the FADT. */
#define FADT_DSDT	      40
#define FADT_SCI	      46
#define FADT_SMI_CMD	      48
#define FADT_ACPI_ENABLE      52
#define FADT_PM1A_EVT	      56
#define FADT_PM1B_EVT	      60
#define FADT_PM1A_CNT	      64
#define FADT_PM1B_CNT	      68
#define FADT_PM_TIMER	      76
#define FADT_PM1_EVT_LEN      88
#define FADT_FLAGS	      112
#define FADT_X_DSDT	      140
#define FADT_SLEEP_CONTROL    244
#define FLAG_HW_REDUCED	      (1U << 20)
#define GAS_IO		      1 /* address space of a generic address structure */

#define SIGNATURE(a, b, c, d) ((uint32_t)(a) | (b) << 8 | (c) << 16 | (uint32_t)(d) << 24)

struct hw_acpi hw_acpi;
struct hw_ioapic hw_ioapics[HW_MAXIOAPICS];
unsigned hw_nioapics;

static const uint8_t *madt;
static size_t madt_len;

static const uint8_t *table_map(uint64_t pa, size_t *len)
{
	const uint8_t *t;

	if (pa == 0)
		return NULL;
	t = hw_firmware_map(pa, HEADER);
	if (t == NULL)
		return NULL;
	*len = hw_load32(t + 4);
	if (*len < HEADER || *len > TABLE_MAX)
		return NULL;
	return hw_firmware_map(pa, *len);
}

static void cpu_add(uint32_t apic_id, uint32_t flags)
{
	if (!(flags & 1) || apic_id == hw_apic_ids[0] || hw_ncpu == RUMPUSER_MAXCPUS)
		return;
	hw_apic_ids[hw_ncpu++] = apic_id;
}

static void madt_entry(const uint8_t *e, size_t len)
{
	struct hw_ioapic *io;

	if (e[0] == MADT_LAPIC && len >= 8) {
		cpu_add(e[3], hw_load32(e + 4));
	} else if (e[0] == MADT_X2APIC && len >= 16 && hw_features.x2apic) {
		cpu_add(hw_load32(e + 4), hw_load32(e + 8));
	} else if (e[0] == MADT_IOAPIC && len >= 12 && hw_nioapics < HW_MAXIOAPICS) {
		io = &hw_ioapics[hw_nioapics++];
		io->pa = hw_load32(e + 4);
		io->gsi_base = hw_load32(e + 8);
	}
}

static void madt_take(const uint8_t *t, size_t len)
{
	size_t at;

	madt = t;
	madt_len = len;
	for (at = MADT_ENTRIES; at + 2 <= len && t[at + 1] >= 2 && t[at + 1] <= len - at;
	     at += t[at + 1])
		madt_entry(t + at, t[at + 1]);
}

void hw_acpi_isa_irq(unsigned irq, unsigned *gsi, bool *level, bool *active_low)
{
	const uint8_t *e;
	size_t at;
	unsigned flags;

	*gsi = irq;
	*level = *active_low = false;
	for (at = MADT_ENTRIES;
	     at + 2 <= madt_len && madt[at + 1] >= 2 && madt[at + 1] <= madt_len - at;
	     at += madt[at + 1]) {
		e = madt + at;
		if (e[0] != MADT_OVERRIDE || e[1] < 10 || e[3] != irq)
			continue;
		*gsi = hw_load32(e + 4);
		flags = hw_load16(e + 8);
		*active_low = (flags & 3) == 3;
		*level = (flags >> 2 & 3) == 3;
	}
}

static void fadt_take(const uint8_t *t, size_t len)
{
	struct hw_acpi *a = &hw_acpi;

	if (len < FADT_FLAGS + 4)
		return;
	a->fadt = true;
	a->hw_reduced = hw_load32(t + FADT_FLAGS) & FLAG_HW_REDUCED;
	a->dsdt_pa = hw_load32(t + FADT_DSDT);
	if (len >= FADT_X_DSDT + 8 && hw_load64(t + FADT_X_DSDT) != 0)
		a->dsdt_pa = hw_load64(t + FADT_X_DSDT);
	if (a->hw_reduced) {
		if (len >= FADT_SLEEP_CONTROL + 12) {
			a->sleep_control = hw_load64(t + FADT_SLEEP_CONTROL + 4);
			a->sleep_control_io = t[FADT_SLEEP_CONTROL] == GAS_IO;
		}
		return;
	}
	a->sci = hw_load16(t + FADT_SCI);
	a->smi_cmd = hw_load32(t + FADT_SMI_CMD);
	a->acpi_enable = t[FADT_ACPI_ENABLE];
	a->pm1a_evt = hw_load32(t + FADT_PM1A_EVT);
	a->pm1b_evt = hw_load32(t + FADT_PM1B_EVT);
	a->pm1a_cnt = hw_load32(t + FADT_PM1A_CNT);
	a->pm1b_cnt = hw_load32(t + FADT_PM1B_CNT);
	a->pm_timer = hw_load32(t + FADT_PM_TIMER);
	a->pm1_evt_len = t[FADT_PM1_EVT_LEN];
}

size_t hw_acpi_dsdt(const uint8_t **aml)
{
	size_t len;
	const uint8_t *t = table_map(hw_acpi.dsdt_pa, &len);

	if (t == NULL)
		return 0;
	*aml = t + HEADER;
	return len - HEADER;
}

static void root_take(uint64_t pa, bool wide)
{
	const unsigned width = wide ? 8 : 4;
	const uint8_t *root, *t;
	size_t len, tlen, at;

	root = table_map(pa, &len);
	if (root == NULL)
		return;
	for (at = HEADER; at + width <= len; at += width) {
		t = table_map(wide ? hw_load64(root + at) : hw_load32(root + at), &tlen);
		if (t == NULL)
			continue;
		if (hw_load32(t) == SIGNATURE('A', 'P', 'I', 'C'))
			madt_take(t, tlen);
		else if (hw_load32(t) == SIGNATURE('F', 'A', 'C', 'P'))
			fadt_take(t, tlen);
	}
}

/* The boot protocol did not say: BIOS memory, 5.2.5.1. */
static uint64_t rsdp_search(void)
{
	const uint8_t *low = hw_firmware_map(0xe0000, 0x20000);
	size_t at;

	for (at = 0; low != NULL && at < 0x20000; at += 16)
		if (hw_load64(low + at) == 0x2052545020445352ULL) /* "RSD PTR " */
			return 0xe0000 + at;
	return 0;
}

void hw_acpi_init(void)
{
	uint64_t pa = hw_boot.rsdp_pa != 0 ? hw_boot.rsdp_pa : rsdp_search();
	const uint8_t *rsdp = pa != 0 ? hw_firmware_map(pa, 36) : NULL;

	hw_apic_ids[0] = hw_self()->apic_id;
	if (rsdp != NULL) {
		if (rsdp[15] >= 2 && hw_load64(rsdp + 24) != 0)
			root_take(hw_load64(rsdp + 24), true);
		else
			root_take(hw_load32(rsdp + 16), false);
	}
	if (hw_nioapics == 0)
		hw_ioapics[hw_nioapics++].pa = IOAPIC_DEFAULT;
}
