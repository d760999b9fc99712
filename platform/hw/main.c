/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - at the final address: bring the machine up, hand over to kern.
 *
 * Boot time is a figure, and under emulation each new piece of code costs more
 * than what it does: whatever can wait until it is needed does (the serial
 * port, interrupt routing, the wall clock, calibration, other CPUs).
 */
#include "machine.h"

#define VA_LO 0x100000UL
#define VA_HI 0x500000000000UL /* early.c puts the image above */

static struct rumpuser_bootinfo info;

static void give_back(const char *page)
{
	uint64_t pa = (uintptr_t)page - (uintptr_t)__ehdr_start + HW_LOAD_PA;

	hw_mem_add(pa, RUMPUSER_PAGE_SIZE);
}

static const char *cmdline(void)
{
	const char *s = NULL;

	if (hw_boot.cmdline_pa != 0)
		s = hw_firmware_map(hw_boot.cmdline_pa, hw_boot.cmdline_len + 1);
	if (s == NULL)
		return "";
	return hw_machine_config(s);
}

void hw_main(void)
{
	/* The identity mapping goes, and two pages of its tables with it: entry.S. */
	((uint64_t *)hw_phys(hw_pml4_pa))[0] = 0;
	hw_write_cr3(hw_pml4_pa);
	give_back(hw_guard0);
	give_back(hw_guard1);

	hw_cpu_boot_init();
	info.platform = hw_machine_start();
	info.cmdline = cmdline();
	info.ncpu = hw_ncpu;
	info.image_base = (uintptr_t)__ehdr_start;
	info.image_end = (uintptr_t)__kiln_image_end;
	info.va_lo = VA_LO;
	info.va_hi = VA_HI;
	info.physmap = hw_physmap;
	info.rootfs_size = __kiln_rootfs_end - __kiln_rootfs_start;
	info.rootfs = info.rootfs_size > 0 ? __kiln_rootfs_start : NULL;
	info.mem = hw_mem;
	info.nmem = hw_nmem;
	hw_kern_running = true;
	rumpkern_main(&info);
}
