/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwcfg.c - a launch configuration that is too long for a command line, which
 * QEMU's PVH loader for pc and q35 keeps in 4 KB without checking.  The command
 * line is then "fw_cfg:NAME", and the configuration the file of that name in
 * QEMU's fw_cfg device (docs/specs/fw_cfg.txt): a selector port and a data port.
 */
#include "machine.h"

#define PREFIX		 "fw_cfg:"
#define SELECTOR_PORT	 0x510
#define DATA_PORT	 0x511
#define SELECT_SIGNATURE 0
#define SELECT_DIRECTORY 0x19
#define NAME_MAX	 56
#define SIZE_MAX_CONFIG	 (1U << 20)

struct entry {
	uint32_t size; /* big endian, as the others */
	uint16_t select, reserved;
	char name[NAME_MAX];
};

static void take(void *buf, size_t len)
{
	__asm__ volatile("rep insb" : "+D"(buf), "+c"(len) : "d"(DATA_PORT) : "memory");
}

static bool find(const char *name, struct entry *e)
{
	uint32_t signature, count, i;

	hw_outw(SELECTOR_PORT, SELECT_SIGNATURE);
	take(&signature, sizeof(signature));
	if (signature != 0x554d4551) /* QEMU */
		return false;
	hw_outw(SELECTOR_PORT, SELECT_DIRECTORY);
	take(&count, sizeof(count));
	for (count = __builtin_bswap32(count); count > 0; count--) {
		take(e, sizeof(*e));
		for (i = 0; i < NAME_MAX && name[i] == e->name[i]; i++)
			if (name[i] == '\0')
				return true;
	}
	return false;
}

/* Few bytes of code: it runs at each boot. */
static bool has_prefix(const char *s)
{
	return hw_boot.cmdline_len > sizeof(PREFIX) && hw_load32(s) == 0x635f7766 &&
	       hw_load32(s + 3) == 0x3a676663;
}

const char *hw_machine_config(const char *cmdline)
{
	const char *name = cmdline + sizeof(PREFIX) - 1;
	struct entry e;
	uint32_t size;
	uint64_t pa;
	char *s;

	if (!has_prefix(cmdline) || !find(name, &e))
		return cmdline;
	size = __builtin_bswap32(e.size);
	pa = size < SIZE_MAX_CONFIG ? hw_mem_alloc(size / RUMPUSER_PAGE_SIZE + 1) : 0;
	if (pa == 0)
		return cmdline;
	s = hw_phys(pa);
	hw_outw(SELECTOR_PORT, __builtin_bswap16(e.select));
	take(s, size);
	s[size] = '\0';
	return s;
}
