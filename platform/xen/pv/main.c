/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - at the final address: leave Xen's page tables, bring the guest up, hand over to kern.
 */
#include "pv.h"

#define VA_LO 0x100000UL
#define VA_HI 0x500000000000UL /* early.c puts the image above */

static struct rumpuser_bootinfo info;

static uint64_t image_pa(const char *page)
{
	return (uintptr_t)page - (uintptr_t)__ehdr_start + HW_LOAD_PA;
}

/* What we came on goes: its mapping, its tables, its stack. */
static void leave_boot_tables(void)
{
	uint64_t tables = pv_start_info->pt_base, end = pv_boot_end();
	struct mmu_update u = {
	    .ptr = pv_machine_address(hw_pml4_pa) | MMU_NORMAL_PT_UPDATE, .val = 0};
	struct mmuext_op op[2] = {
	    {.cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = pv_frame(tables >> RUMPUSER_PAGE_SHIFT)},
	    {.cmd = MMUEXT_TLB_FLUSH_LOCAL},
	};

	pv_p2m = hw_phys((uintptr_t)pv_p2m);
	pv_start_info = hw_phys((uintptr_t)pv_start_info);
	if (pv_hypercall(__HYPERVISOR_mmu_update, (uintptr_t)&u, 1, 0, DOMID_SELF) != 0 ||
	    pv_hypercall(__HYPERVISOR_mmuext_op, (uintptr_t)op, 2, 0, DOMID_SELF) != 0)
		xen_die("kiln: the boot tables stay\n");
	pv_pages_release(tables, (end - tables) >> RUMPUSER_PAGE_SHIFT);
	hw_mem_add(tables, end - tables);
	hw_mem_add(image_pa(hw_guard1), RUMPUSER_PAGE_SIZE);
}

void pv_main(void)
{
	leave_boot_tables();
	hw_cpu_boot_init();
	info.platform = hw_machine_start();
	pv_enter_user();

	info.cmdline = xen_config(hw_phys(hw_boot.cmdline_pa));
	info.ncpu = pv_count_cpus();
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
