/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks: clock_gettime() of the host's vDSO, which mostly reads the time-stamp
 * counter without a system call, and makes one itself where it cannot.
 */
#include <linux/elf.h>
#include <linux/time.h>

#include "hosted.h"
#include "syscall.h"

#define NSEC	    1000000000ULL
#define NEVER	    (1ULL << 62) /* far enough, and no overflow */
#define DT_GNU_HASH 0x6ffffef5

uint64_t hosted_time_base;
struct rumpuser_clock rumpuser_clock; /* 0: the host's way of reading it is its own */
static int (*vdso_clock_gettime)(int clock, struct timespec *ts);

/* Number of dynamic symbols, from either kind of hash table. */
static uint32_t count_symbols(const uint32_t *hash, const uint32_t *gnu)
{
	const uint32_t *buckets, *chains;
	uint32_t last = 0;

	if (hash != NULL)
		return hash[1];
	if (gnu == NULL)
		return 0;
	buckets = gnu + 4 + 2 * gnu[2];
	chains = buckets + gnu[0];
	for (uint32_t i = 0; i < gnu[0]; i++)
		last = buckets[i] > last ? buckets[i] : last;
	if (last < gnu[1])
		return last;
	while ((chains[last - gnu[1]] & 1) == 0)
		last++;
	return last + 1;
}

static const Elf64_Phdr *find_phdr(const Elf64_Ehdr *eh, uint32_t type)
{
	const Elf64_Phdr *ph = (const void *)((const char *)eh + eh->e_phoff);

	for (unsigned i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == type)
			return &ph[i];
	}
	return NULL;
}

static void *vdso_lookup(const Elf64_Ehdr *eh, const char *name)
{
	const Elf64_Phdr *load = find_phdr(eh, PT_LOAD), *dynamic = find_phdr(eh, PT_DYNAMIC);
	const Elf64_Sym *symtab = NULL;
	const char *strtab = NULL;
	const uint32_t *hash = NULL, *gnu = NULL;
	uintptr_t bias;
	uint32_t n;

	if (load == NULL || dynamic == NULL)
		return NULL;
	bias = (uintptr_t)eh + load->p_offset - load->p_vaddr;
	for (const Elf64_Dyn *d = (const void *)((uintptr_t)eh + dynamic->p_offset);
	     d->d_tag != DT_NULL; d++) {
		const void *p = (const void *)(bias + d->d_un.d_ptr);

		if (d->d_tag == DT_SYMTAB)
			symtab = p;
		else if (d->d_tag == DT_STRTAB)
			strtab = p;
		else if (d->d_tag == DT_HASH)
			hash = p;
		else if (d->d_tag == DT_GNU_HASH)
			gnu = p;
	}
	if (symtab == NULL || strtab == NULL)
		return NULL;
	n = count_symbols(hash, gnu);
	for (uint32_t i = 1; i < n; i++) {
		if (symtab[i].st_shndx != 0 && hosted_streq(strtab + symtab[i].st_name, name))
			return (void *)(bias + symtab[i].st_value);
	}
	return NULL;
}

static uint64_t host_clock(int clock)
{
	struct timespec ts = {0, 0};

	if (vdso_clock_gettime == NULL || vdso_clock_gettime(clock, &ts) != 0)
		host_syscall3(__NR_clock_gettime, clock, (long)&ts, 0);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

void hosted_time_init(const void *vdso)
{
	if (vdso != NULL)
		vdso_clock_gettime =
		    (int (*)(int, struct timespec *))vdso_lookup(vdso, "__vdso_clock_gettime");
	hosted_time_base = host_clock(CLOCK_MONOTONIC);
}

uint64_t rumpuser_clock_monotonic(void)
{
	return host_clock(CLOCK_MONOTONIC) - hosted_time_base;
}

uint64_t rumpuser_clock_wall(void)
{
	return host_clock(CLOCK_REALTIME);
}

/*
 * The host's timer is set only when the new deadline is earlier than what it
 * is set to: one that fires too early costs a signal, which is as cheap as the
 * call saved, and most deadlines are moved before they come due.
 */
void hosted_timer_arm(struct hosted_cpu *hc)
{
	uint64_t when = hc->deadline;
	struct {
		struct timespec interval, value;
	} its = {{0, 0}, {0, 0}};

	if (when >= hc->armed)
		return;
	hc->armed = when;
	when = (when < NEVER ? when : NEVER) + hosted_time_base;
	its.value.tv_sec = (long)(when / NSEC);
	its.value.tv_nsec = (long)(when % NSEC);
	host_syscall4(__NR_timer_settime, hc->timer, TIMER_ABSTIME, (long)&its, 0);
}

void rumpuser_timer_set(uint64_t deadline)
{
	struct hosted_cpu *hc = hosted_this_cpu();

	hc->deadline = deadline;
	hosted_timer_arm(hc);
}
