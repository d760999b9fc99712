/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bootproto.c - what the boot loader tells: the PVH start_info (Xen's
 * public/arch-x86/hvm/start_info.h) or multiboot2's information (multiboot2
 * 3.6), boiled down to struct hw_boot and the list of free memory.
 *
 * Runs in hw_early().  The structures, which include the command line, stay
 * where they are and are kept out of the free memory for good: a page or two.
 */
#include "hw.h"

struct hw_boot hw_boot;

#define MULTIBOOT2_MAGIC 0x36d76289
#define PVH_MAGIC	 0x336ec578
#define RAM_USABLE	 1 /* E820 types, which both protocols use */
#define RAM_ACPI	 3
#define RAM_NVS		 4

struct pvh_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist, cmdline, rsdp, memmap;
	uint32_t memmap_entries, reserved;
};

struct memmap_entry {
	uint64_t pa, size;
	uint32_t type, reserved;
};

struct pvh_module {
	uint64_t pa, size, cmdline, reserved;
};

struct mb2_tag {
	uint32_t type, size;
};

enum { MB2_END, MB2_CMDLINE, MB2_MODULE = 3, MB2_MMAP = 6, MB2_RSDP_OLD = 14, MB2_RSDP_NEW = 15 };

static void memory(const struct memmap_entry *e)
{
	if (e->type == RAM_USABLE)
		hw_mem_add(e->pa, e->size);
	if (e->type == RAM_USABLE || e->type == RAM_ACPI || e->type == RAM_NVS)
		hw_boot_ram(e->pa, e->size);
}

/* One that does not end within max is none. */
static void cmdline(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	if (n == max)
		return;
	hw_boot.cmdline_pa = (uintptr_t)s;
	hw_boot.cmdline_len = n;
}

/*
 * GRUB quotes what it hands on: a word with spaces stands in double quotes, and quotes
 * and backslashes in it have a backslash in front.  No JSON object begins like that, so
 * the words of other loaders are left alone.  In place; the result is not longer.
 */
static void unquote(char *s)
{
	char *to = s;

	if (s[0] != '"' && !(s[0] == '{' && s[1] == '\\'))
		return;
	for (; *s != '\0'; s++) {
		if (*s == '"')
			continue;
		if (*s == '\\' && s[1] != '\0')
			s++;
		*to++ = *s;
	}
	*to = '\0';
}

static void pvh(const struct pvh_info *info)
{
	const struct memmap_entry *map = (const void *)info->memmap;
	const struct pvh_module *mod = (const void *)info->modlist;
	uint32_t i;

	hw_boot.rsdp_pa = info->rsdp;
	if (info->cmdline != 0)
		cmdline((const char *)info->cmdline, 64 << 10);
	if (info->version >= 1)
		for (i = 0; i < info->memmap_entries; i++)
			memory(&map[i]);
	hw_mem_exclude(hw_boot.cmdline_pa, hw_boot.cmdline_len + 1);
	hw_mem_exclude((uintptr_t)info, sizeof(*info));
	hw_mem_exclude((uintptr_t)map, info->memmap_entries * sizeof(*map));
	for (i = 0; i < info->nr_modules; i++)
		hw_mem_exclude(mod[i].pa, mod[i].size);
}

static void multiboot2(const uint8_t *info)
{
	uint32_t total = hw_load32(info), at, size, entry, i;
	const struct mb2_tag *tag;

	for (at = 8; at + sizeof(*tag) <= total; at += (size + 7) & ~7U) {
		tag = (const void *)(info + at);
		size = tag->size;
		if (tag->type == MB2_END || size < sizeof(*tag) || size > total - at)
			break;
		switch (tag->type) {
		case MB2_CMDLINE:
			cmdline((const char *)(tag + 1), size - sizeof(*tag));
			if (hw_boot.cmdline_pa != 0)
				unquote((char *)hw_boot.cmdline_pa);
			break;
		case MB2_MMAP:
			entry = hw_load32(tag + 1);
			if (entry < sizeof(struct memmap_entry))
				break;
			for (i = 16; i + entry <= size; i += entry)
				memory((const void *)((const char *)tag + i));
			break;
		case MB2_RSDP_OLD:
			if (hw_boot.rsdp_pa != 0)
				break;
			__attribute__((fallthrough));
		case MB2_RSDP_NEW:
			hw_boot.rsdp_pa = (uintptr_t)(tag + 1);
			break;
		}
	}
	/* Modules are not used; their memory is free. */
	hw_mem_exclude((uintptr_t)info, total);
}

void hw_bootproto(uint32_t magic, uint64_t pa)
{
	if (magic == MULTIBOOT2_MAGIC)
		multiboot2((const uint8_t *)pa);
	else if (hw_load32((const void *)pa) == PVH_MAGIC)
		pvh((const void *)pa);
}
