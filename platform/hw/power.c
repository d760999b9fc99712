/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * power.c - the power button, and the end.
 *
 * Telling the launcher why we end: it gives the machine
 *   -device isa-debugcon,iobase=0x8900,chardev=...   "kiln: exit 3\n" goes there
 *   -device isa-debug-exit,iobase=0x501,iosize=4     ends QEMU
 * and writes to ports nobody listens to do no harm elsewhere.  After them come
 * ACPI's soft off, then a reset, which -no-reboot turns into an end.
 */
#include "machine.h"

#define STATUS_PORT	 0x8900
#define DEBUG_EXIT_PORT	 0x501
#define PM1_POWER_BUTTON (1U << 8)
#define PM1_SCI_ENABLE	 1U
#define PM1_SLEEP_ENABLE (1U << 13)
#define SLEEP_ENABLE	 0x20 /* hardware-reduced sleep control register */

/*
 * QEMU's microvm has its button behind a "generic event device", which only
 * AML describes.  Its place relative to the sleep control register is fixed.
 */
#define GED_SLEEP_CONTROL 0xfea00200ULL
#define GED_OFFSET	  0x200
#define GED_GSI		  9
#define GED_POWER_BUTTON  2U

static volatile uint32_t *ged;

static void fixed_hardware_init(void)
{
	const struct hw_acpi *a = &hw_acpi;
	unsigned gsi, i;
	bool level, active_low;

	/* Without an override the SCI is level-triggered and active low (5.2.9). */
	hw_acpi_isa_irq(a->sci, &gsi, &level, &active_low);
	if (!level && !active_low)
		level = active_low = true;
	if (a->smi_cmd != 0 && a->acpi_enable != 0 && !(hw_inw(a->pm1a_cnt) & PM1_SCI_ENABLE)) {
		hw_outb(a->smi_cmd, a->acpi_enable);
		for (i = 0; i < 100000 && !(hw_inw(a->pm1a_cnt) & PM1_SCI_ENABLE); i++)
			hw_pause();
	}
	hw_outw(a->pm1a_evt, PM1_POWER_BUTTON);
	hw_outw(a->pm1a_evt + a->pm1_evt_len / 2, PM1_POWER_BUTTON);
	hw_ioapic_fixed(gsi, level, active_low, RUMPUSER_IRQ_POWER);
}

void hw_machine_power_init(void)
{
	const struct hw_acpi *a = &hw_acpi;
	void *va;

	if (a->fadt && !a->hw_reduced && a->pm1a_evt != 0 && a->pm1a_cnt != 0 &&
	    a->pm1_evt_len >= 4) {
		fixed_hardware_init();
	} else if (a->hw_reduced && !a->sleep_control_io && a->sleep_control == GED_SLEEP_CONTROL) {
		if (rumpuser_mmio_map(GED_SLEEP_CONTROL - GED_OFFSET, 16, &va) != 0)
			return;
		ged = va;
		hw_ioapic_fixed(GED_GSI, false, false, RUMPUSER_IRQ_POWER);
	}
}

bool hw_power_intr(void)
{
	uint16_t status;

	if (ged != NULL)
		return *ged & GED_POWER_BUTTON; /* reading clears it */
	status = hw_inw(hw_acpi.pm1a_evt);
	hw_outw(hw_acpi.pm1a_evt, status); /* ones clear */
	return status & PM1_POWER_BUTTON;
}

void hw_status_write(const char *s)
{
	while (*s != '\0')
		hw_outb(STATUS_PORT, *s++);
}

static void status_number(unsigned n)
{
	if (n >= 10)
		status_number(n / 10);
	hw_outb(STATUS_PORT, '0' + n % 10);
}

/*
 * SLP_TYP of \_S5: a name object with a package of small integers (20.2.5),
 * looked for in the bytes, as everybody does who has no AML interpreter.
 */
static bool s5_type(unsigned *a, unsigned *b)
{
	const uint8_t *aml, *p;
	size_t len = hw_acpi_dsdt(&aml), i;
	unsigned v[2], n;

	for (i = 0; i + 16 < len; i++) {
		p = aml + i;
		if (p[0] != '_' || p[1] != 'S' || p[2] != '5' || p[3] != '_' || p[4] != 0x12)
			continue;
		p += 6 + (p[5] >> 6) + 1; /* package length of 1 to 4 bytes, element count */
		for (n = 0; n < 2 && p < aml + len - 1; n++) {
			if (*p == 0x0a)
				p++;
			v[n] = *p++;
		}
		if (n < 2)
			return false;
		*a = v[0] & 7;
		*b = v[1] & 7;
		return true;
	}
	return false;
}

static void soft_off(void)
{
	const struct hw_acpi *acpi = &hw_acpi;
	unsigned a = 0, b = 0;
	volatile uint8_t *reg;

	if (!acpi->fadt)
		return;
	if (!s5_type(&a, &b))
		a = acpi->hw_reduced ? 5 : 0; /* what QEMU has */
	if (acpi->sleep_control != 0 && acpi->sleep_control_io) {
		hw_outb(acpi->sleep_control, a << 2 | SLEEP_ENABLE);
	} else if (acpi->sleep_control != 0) {
		reg = hw_firmware_map(acpi->sleep_control, 1);
		if (reg != NULL)
			*reg = a << 2 | SLEEP_ENABLE;
	} else if (acpi->pm1a_cnt != 0) {
		hw_outw(acpi->pm1a_cnt, a << 10 | PM1_SLEEP_ENABLE);
		if (acpi->pm1b_cnt != 0)
			hw_outw(acpi->pm1b_cnt, b << 10 | PM1_SLEEP_ENABLE);
	}
}

void rumpuser_exit(enum rumpuser_end how, int status)
{
	static volatile uint32_t ending;
	unsigned i;

	__asm__ volatile("cli" : : : "memory");
	if (__atomic_exchange_n(&ending, 1, __ATOMIC_ACQ_REL) != 0)
		for (;;)
			__asm__ volatile("hlt");
	hw_status_write("kiln: ");
	if (how == RUMPUSER_END_PANIC) {
		hw_status_write("panic");
	} else {
		hw_status_write(how == RUMPUSER_END_EXIT ? "exit " : "signal ");
		status_number(status & 0xff);
	}
	hw_status_write("\n");
	hw_outl(DEBUG_EXIT_PORT, how);
	soft_off();
	/* Soft off may take its time on real machines. */
	for (i = 0; i < 1000; i++)
		(void)hw_inb(0x61);
	hw_outb(0x64, 0xfe); /* the keyboard controller's reset line */
	hw_triple_fault();
}
