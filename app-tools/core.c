/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <unistd.h>

#include "image.h"
#include "util.h"

#define PAGE 4096UL
#define HEAD 4096 /* bytes of an image that hold its notes */

/* Where va is in c->read()'s terms; false if it is in no segment. */
static bool translate(const struct core *c, uint64_t va, uint64_t *pa, uint64_t *left)
{
	size_t lo = 0, hi = c->nsegment;

	while (lo < hi) { /* lo: number of segments that begin at or before va */
		size_t mid = lo + (hi - lo) / 2;

		if (c->segment[mid].va <= va)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || va - c->segment[lo - 1].va >= c->segment[lo - 1].size)
		return false;
	*pa = c->segment[lo - 1].pa + (va - c->segment[lo - 1].va);
	*left = c->segment[lo - 1].size - (va - c->segment[lo - 1].va);
	return true;
}

static bool read_virtual(void *arg, uint64_t va, void *buf, size_t len)
{
	const struct core *c = arg;
	uint64_t pa, left;

	while (len > 0) {
		if (!translate(c, va, &pa, &left))
			return false;
		left = left < len ? left : len;
		if (!c->read(c->arg, pa, buf, left))
			return false;
		va += left;
		buf = (char *)buf + left;
		len -= left;
	}
	return true;
}

/* Where the image is: the lowest address with an ELF header of the same build. */
static bool find_image(const struct core *c, uint64_t *base)
{
	_Alignas(16) char head[HEAD];
	char want[65], have[65];
	size_t len;
	const void *elf = symbols_elf(c->symbols, &len);

	image_build_id(elf, len, want);
	for (size_t i = 0; i < c->nsegment && want[0] != '\0'; i++) {
		*base = c->segment[i].va;
		if (c->segment[i].size < HEAD || !c->read(c->arg, c->segment[i].pa, head, HEAD) ||
		    memcmp(head, ELFMAG, SELFMAG) != 0)
			continue;
		image_build_id(head, HEAD, have);
		if (strcmp(have, want) == 0)
			return true;
	}
	return false;
}

/* -------------------------------------------------------------------- notes */

static void note(struct sbuf *to, unsigned type, const void *data, size_t len)
{
	Elf64_Nhdr nh = {5, (Elf64_Word)len, type};

	sbuf_add(to, &nh, sizeof(nh));
	sbuf_add(to, "CORE\0\0\0", 8);
	sbuf_add(to, data, len);
	while (to->len % 4 != 0)
		sbuf_add(to, "", 1);
}

static void status_note(struct sbuf *to, const struct lwp_info *l, int signo)
{
	prstatus_t st = {.pr_pid = l->lid > 0 ? l->lid : CORE_KERNEL_LWP - l->lid};

	st.pr_info.si_signo = signo;
	st.pr_cursig = (short)signo;
	memcpy(&st.pr_reg, &l->regs, sizeof(st.pr_reg));
	note(to, NT_PRSTATUS, &st, sizeof(st));
}

static void process_notes(struct sbuf *to, const struct core *c, uint64_t entry)
{
	prpsinfo_t ps = {.pr_sname = 'R', .pr_pid = 1};
	const Elf64_auxv_t aux[] = {
	    {AT_PAGESZ, {PAGE}}, {AT_ENTRY, {entry}}, {AT_BASE, {0}}, {AT_NULL, {0}}};

	strncpy(ps.pr_fname, c->program, sizeof(ps.pr_fname) - 1);
	strncpy(ps.pr_psargs, c->program, sizeof(ps.pr_psargs) - 1);
	note(to, NT_PRPSINFO, &ps, sizeof(ps));
	note(to, NT_AUXV, aux, sizeof(aux));
}

/* ------------------------------------------------------------------- writing */

static bool put(int fd, const void *data, size_t len, uint64_t at)
{
	const char *p = data;
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n, at += (uint64_t)n) {
		n = pwrite(fd, p, len, (off_t)at);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return false;
	}
	return true;
}

static bool empty(const char *page)
{
	return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

static bool put_memory(int fd, const struct core *c, const struct core_memory *m, uint64_t at)
{
	char page[PAGE];

	for (uint64_t done = 0; done < m->size; done += PAGE) {
		size_t n = m->size - done < PAGE ? m->size - done : PAGE;

		memset(page, 0, PAGE);
		if (c->read(c->arg, m->pa + done, page, n) && !empty(page) &&
		    !put(fd, page, PAGE, at + done))
			return false;
	}
	return true;
}

static uint64_t round_page(uint64_t v)
{
	return (v + PAGE - 1) & -PAGE;
}

/* Where in the file physical address pa is, the first memory being at `first'; 0 if nowhere. */
static uint64_t place_of(const struct core *c, uint64_t first, uint64_t pa)
{
	for (size_t i = 0; i < c->nmemory; first += round_page(c->memory[i++].size))
		if (pa >= c->memory[i].pa && pa - c->memory[i].pa < c->memory[i].size)
			return first + (pa - c->memory[i].pa);
	return 0;
}

/*
 * Header, section header 0 (which has the number of segments if that is too large for the header:
 * PN_XNUM), program headers, notes, memory.
 */
static bool put_all(int fd, const struct core *c, const struct sbuf *notes)
{
	size_t nph = c->nsegment + 1;
	Elf64_Shdr sh = {.sh_info = (Elf64_Word)nph};
	Elf64_Phdr *ph = xcalloc(nph, sizeof(*ph));
	Elf64_Ehdr eh = {.e_type = ET_CORE,
	    .e_machine = EM_X86_64,
	    .e_version = EV_CURRENT,
	    .e_phoff = sizeof(eh) + sizeof(sh),
	    .e_ehsize = sizeof(eh),
	    .e_phentsize = sizeof(*ph),
	    .e_phnum = nph < PN_XNUM ? (Elf64_Half)nph : PN_XNUM};
	uint64_t first = eh.e_phoff + nph * sizeof(*ph), at;
	bool good;

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = EV_CURRENT;
	if (nph >= PN_XNUM) {
		eh.e_shoff = sizeof(eh);
		eh.e_shentsize = sizeof(sh);
		eh.e_shnum = 1;
	}
	ph[0] = (Elf64_Phdr){
	    .p_type = PT_NOTE, .p_offset = first, .p_filesz = notes->len, .p_align = 4};
	first = round_page(first + notes->len);
	for (size_t i = 0; i < c->nsegment; i++) {
		const struct core_segment *s = &c->segment[i];

		ph[i + 1] = (Elf64_Phdr){.p_type = PT_LOAD,
		    .p_flags = s->flags,
		    .p_offset = place_of(c, first, s->pa),
		    .p_vaddr = s->va,
		    .p_filesz = s->size,
		    .p_memsz = s->size,
		    .p_align = PAGE};
	}
	good = put(fd, &eh, sizeof(eh), 0) && put(fd, &sh, sizeof(sh), sizeof(eh)) &&
	       put(fd, ph, nph * sizeof(*ph), eh.e_phoff) &&
	       put(fd, notes->s, notes->len, ph[0].p_offset);
	at = first;
	for (size_t i = 0; i < c->nmemory && good; at += round_page(c->memory[i++].size))
		good = put_memory(fd, c, &c->memory[i], at);
	free(ph);
	return good && ftruncate(fd, (off_t)at) == 0;
}

bool core_write(struct core *c, const char *path, const char **why, size_t *nlwps)
{
	const struct guest_memory virtual = {read_virtual, c};
	const Elf64_Ehdr *eh;
	struct lwp_info *l;
	struct sbuf notes = {0};
	uint64_t base;
	size_t n, len;
	bool good;
	int fd;

	if (!find_image(c, &base)) {
		*why = "the image is not in its memory (yet)";
		return false;
	}
	eh = symbols_elf(c->symbols, &len);
	n = lwps_read(c->symbols, base, &virtual, c->cpu, c->ncpu, &l);
	for (size_t i = 0; i < n; i++) {
		status_note(&notes, &l[i], c->signo);
		if (i == 0)
			process_notes(&notes, c, base + eh->e_entry);
	}
	free(l);
	if (nlwps != NULL)
		*nlwps = n;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	good = fd != -1 && put_all(fd, c, &notes);
	if (fd != -1 && close(fd) == -1)
		good = false;
	sbuf_free(&notes);
	if (!good)
		*why = strerror(errno);
	return good;
}
