/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cores of guests whose memory and registers are anything: page tables that lead to themselves,
 * lists of lwps without an end, stacks that are nowhere.  A good guest of sixteen pages is made,
 * and the input changes words of it: two bytes say which, eight what it is then.  Unchanged it must
 * give a core with its two lwps.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <unistd.h>

#include "../../app-tools/core.h"

#define PAGES	  16
#define WORDS	  (PAGES * 512 + REGISTERS)
#define REGISTERS 8 /* of the CPU, that are changed like memory */
#define BASE	  0x500000000000UL
#define BUILD_ID  "0123456789abcdef0123"

int kiln_failure = 1;
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0"; /* symbols_open() */
}

struct build_id {
	Elf64_Nhdr nh;
	char owner[4], id[20];
};

static const struct build_id build_id = {{4, 20, NT_GNU_BUILD_ID}, "GNU", BUILD_ID};

/* What there is of IMAGE.debug. */
static struct debug {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[2];
	struct build_id id;
	char names[40], symbol_names[80];
	char magic[8];
	uint32_t layout[11];
	Elf64_Sym symbol[5];
	Elf64_Shdr sh[5];
} debug;

/* What QEMU writes, as far as it is looked at. */
static struct dump {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[2];
	uint32_t pad; /* what follows has no holes then */
	Elf64_Nhdr nh;
	char owner[8];
	struct {
		uint32_t version, size;
		uint64_t general[16], rip, rflags;
		struct {
			uint32_t selector, limit, flags, pad;
			uint64_t base;
		} segment[10];
		uint64_t cr[5];
	} cpu;
	_Alignas(4096) uint64_t memory[PAGES][512];
} dump;

enum { P_PML4 = 1, P_PDPT, P_PD, P_PT, P_IMAGE, P_DATA, P_LWPS };
#define VA(page, word) (BASE + ((page)-P_IMAGE) * 4096UL + (word)*8UL)

static void elf_header(Elf64_Ehdr *eh, Elf64_Half type, uint64_t phoff)
{
	*eh = (Elf64_Ehdr){.e_type = type,
	    .e_machine = EM_X86_64,
	    .e_version = EV_CURRENT,
	    .e_phoff = phoff,
	    .e_ehsize = sizeof(*eh),
	    .e_phentsize = sizeof(Elf64_Phdr),
	    .e_phnum = 2};
	memcpy(eh->e_ident, ELFMAG, SELFMAG);
	eh->e_ident[EI_CLASS] = ELFCLASS64;
	eh->e_ident[EI_DATA] = ELFDATA2LSB;
	eh->e_ident[EI_VERSION] = EV_CURRENT;
}

static Elf64_Word name(char *names, const char *s)
{
	size_t at = 1;

	while (names[at] != '\0')
		at += strlen(names + at) + 1;
	strcpy(names + at, s);
	return (Elf64_Word)at;
}

static void section(size_t i, const char *what, Elf64_Word type, const void *data, size_t size)
{
	debug.sh[i] = (Elf64_Shdr){.sh_name = name(debug.names, what),
	    .sh_type = type,
	    .sh_offset = (uint64_t)((const char *)data - (const char *)&debug),
	    .sh_size = size,
	    .sh_link = type == SHT_SYMTAB ? 3 : 0,
	    .sh_entsize = type == SHT_SYMTAB ? sizeof(Elf64_Sym) : 0};
}

static void make_debug(void)
{
	static const struct {
		const char *name;
		uint64_t value;
	} symbols[] = {{"rumpns_alllwp", 4096}, {"rumpns_base_panic_cpu", 4104},
	    {"rumpns_base_crash_frame", 4112}};
	/* next lid stat rsp kstack_base kstack_top tls kernel name oncpu zombie */
	static const uint32_t layout[11] = {0, 8, 12, 16, 24, 32, 40, 48, 56, 72, 4};

	elf_header(&debug.eh, ET_DYN, offsetof(struct debug, ph));
	debug.ph[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_filesz = 4096, .p_memsz = 3 * 4096};
	debug.ph[1] = (Elf64_Phdr){.p_type = PT_NOTE,
	    .p_offset = offsetof(struct debug, id),
	    .p_filesz = sizeof(debug.id),
	    .p_align = 4};
	debug.id = build_id;
	memcpy(debug.magic, "KILNLWP1", 8);
	memcpy(debug.layout, layout, sizeof(layout));
	for (size_t i = 0; i < 3; i++)
		debug.symbol[i + 1] =
		    (Elf64_Sym){.st_name = name(debug.symbol_names, symbols[i].name),
			.st_shndx = SHN_ABS,
			.st_value = symbols[i].value};
	section(1, ".debug_kiln", SHT_PROGBITS, debug.magic, 8 + sizeof(layout));
	section(2, ".symtab", SHT_SYMTAB, debug.symbol, sizeof(debug.symbol));
	section(3, ".strtab", SHT_STRTAB, debug.symbol_names, sizeof(debug.symbol_names));
	section(4, ".names", SHT_STRTAB, debug.names, sizeof(debug.names));
	debug.eh.e_shoff = offsetof(struct debug, sh);
	debug.eh.e_shentsize = sizeof(Elf64_Shdr);
	debug.eh.e_shnum = 5;
	debug.eh.e_shstrndx = 4;
}

/* Two lwps: one runs on the CPU, the other sleeps. */
static void make_dump(void)
{
	uint64_t *lwp = dump.memory[P_LWPS], *other = dump.memory[P_LWPS] + 32;

	memset(&dump, 0, sizeof(dump));
	elf_header(&dump.eh, ET_CORE, offsetof(struct dump, ph));
	dump.ph[0] = (Elf64_Phdr){.p_type = PT_NOTE,
	    .p_offset = offsetof(struct dump, nh),
	    .p_filesz = offsetof(struct dump, memory) - offsetof(struct dump, nh)};
	dump.ph[1] = (Elf64_Phdr){.p_type = PT_LOAD,
	    .p_offset = offsetof(struct dump, memory),
	    .p_filesz = sizeof(dump.memory)};
	dump.nh = (Elf64_Nhdr){5, sizeof(dump.cpu), 0};
	strcpy(dump.owner, "QEMU");
	dump.cpu.version = 1;
	dump.cpu.size = sizeof(dump.cpu);
	dump.cpu.cr[0] = 0x80000001;
	dump.cpu.cr[3] = P_PML4 * 4096;
	dump.cpu.segment[4].base = VA(P_DATA, 64); /* GS */
	dump.memory[P_PML4][BASE >> 39 & 511] = P_PDPT * 4096 | 3;
	dump.memory[P_PDPT][0] = P_PD * 4096 | 3;
	dump.memory[P_PD][0] = P_PT * 4096 | 3;
	for (uint64_t i = 0; P_IMAGE + i < PAGES; i++)
		dump.memory[P_PT][i] = (P_IMAGE + i) * 4096 | 3;
	memcpy(dump.memory[P_IMAGE], &debug, offsetof(struct debug, names));
	dump.memory[P_DATA][0] = VA(P_LWPS, 0); /* alllwp */
	dump.memory[P_DATA][64 + 1] = VA(P_LWPS, 0);
	lwp[0] = VA(P_LWPS, 32);
	lwp[1] = 1 | 2UL << 32; /* lid, state */
	other[1] = 2 | 3UL << 32;
	other[2] = VA(P_LWPS, 64); /* rsp */
}

/* Number of threads in the core; -1 if it is none. */
static int threads(const char *path)
{
	static char text[1 << 16];
	int fd = open(path, O_RDONLY), n = 0;
	ssize_t len = read(fd, text, sizeof(text));
	const Elf64_Ehdr *eh = (const void *)text;
	const Elf64_Phdr *ph = (const void *)(text + eh->e_phoff);

	close(fd);
	if (len < 4096 || memcmp(text, ELFMAG, SELFMAG) != 0 || ph->p_type != PT_NOTE)
		return -1;
	for (size_t at = 0; at + sizeof(Elf64_Nhdr) <= ph->p_filesz;) {
		Elf64_Nhdr nh;

		if (ph->p_offset + at + sizeof(nh) > (size_t)len)
			break; /* very many */
		memcpy(&nh, text + ph->p_offset + at, sizeof(nh));
		n += nh.n_type == NT_PRSTATUS;
		at += sizeof(nh) + 8 + ((nh.n_descsz + 3) & ~3U);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct symbols *symbols;
	static char in[40], out[40];
	static int in_fd, out_fd;
	const char *why = "";
	bool good;

	if (symbols == NULL) {
		char path[] = "/tmp/f_core.XXXXXX.debug";
		int fd = mkstemps(path, 6);

		make_debug();
		if (fd == -1 || write(fd, &debug, sizeof(debug)) != sizeof(debug))
			abort();
		symbols = symbols_open(path, &why);
		unlink(path);
		close(fd);
		in_fd = memfd_create("dump", 0);
		out_fd = memfd_create("core", 0);
		snprintf(in, sizeof(in), "/proc/self/fd/%d", in_fd);
		snprintf(out, sizeof(out), "/proc/self/fd/%d", out_fd);
		if (symbols == NULL)
			abort();
	}
	make_dump();
	for (size_t i = 0; i + 10 <= size && i < 640; i += 10) {
		size_t which = (data[i] | (size_t)data[i + 1] << 8) % WORDS;
		uint64_t *registers[REGISTERS] = {&dump.cpu.cr[0], &dump.cpu.cr[3],
		    &dump.cpu.segment[4].base, &dump.cpu.rip, &dump.cpu.general[6],
		    &dump.cpu.general[7], &dump.cpu.cr[4], &dump.cpu.segment[3].base};

		memcpy(
		    which < REGISTERS ? registers[which] : &dump.memory[0][0] + (which - REGISTERS),
		    data + i + 2, 8);
	}
	if (pwrite(in_fd, &dump, sizeof(dump), 0) != sizeof(dump))
		abort();
	good = core_from_qemu(in, symbols, "fuzz", 11, out, &why);
	if (good ? threads(out) < 1 : *why == '\0')
		abort();
	if (size < 10 && (!good || threads(out) != 2))
		abort();
	return 0;
}
