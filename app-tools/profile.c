/* SPDX-License-Identifier: BSD-2-Clause */
#include "profile.h"

#include <elf.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "kiln.h"
#include "reach.h"

#define PAGE	  4096UL
#define LOWEST	  (UINT64_C(1) << 32) /* no image is lower */
#define HEAD	  4096UL	      /* bytes of an image that hold its notes */
#define MAX_DEPTH 128
#define CHUNK	  1024 /* bytes of a stack that are read at once */
#define HASH_SIZE (1U << 16)
#define CALL_LEN  5 /* bytes of a call with a relative address, 0xe8 */
#define IDLE	  "rumpns_sched_idle_loop"
#define WAIT	  "hosted_wait" /* it jumps there, so is not in the stack */
#define WAITER	  "waiter_main" /* hosted: a thread that is no CPU */

struct stack {
	struct stack *next;
	uint64_t count;
	size_t n;
	uint64_t pc[]; /* innermost first; offsets from the image's start, or addresses beyond it */
};

struct profile {
	const struct symbols *s;
	struct sampler sampler;
	uint64_t base; /* of the image, 0 if not known yet */
	char build[65];
	uint64_t size;		     /* of the image in memory */
	uint64_t idle, wait, waiter; /* where these begin */
	uint64_t samples, idling, lost;
	struct stack *hash[HASH_SIZE];

	/* A piece of memory that was read in this sample. */
	uint64_t chunk_va;
	size_t chunk_len;
	char chunk[CHUNK];
};

struct profile *profile_new(const struct symbols *s, const struct sampler *sampler)
{
	struct profile *p = xcalloc(1, sizeof(*p));
	const Elf64_Ehdr *eh;
	const Elf64_Phdr *ph;
	size_t len;

	p->s = s;
	p->sampler = *sampler;
	eh = symbols_elf(s, &len);
	image_build_id(eh, len, p->build);
	ph = (const void *)((const char *)eh + eh->e_phoff);
	for (size_t i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && ph[i].p_vaddr + ph[i].p_memsz > p->size)
			p->size = ph[i].p_vaddr + ph[i].p_memsz;
	if (!symbols_any(s, IDLE, &p->idle))
		p->idle = UINT64_MAX;
	if (!symbols_any(s, WAIT, &p->wait))
		p->wait = UINT64_MAX;
	if (!symbols_any(s, WAITER, &p->waiter))
		p->waiter = UINT64_MAX;
	return p;
}

/* ------------------------------------------------------------------- memory */

/* A word of a stack; those near it have been read with it. */
static bool word(struct profile *p, uint64_t va, uint64_t *value)
{
	if (va % 8 != 0 || va < PAGE)
		return false;
	if (va - p->chunk_va >= p->chunk_len || va - p->chunk_va + 8 > p->chunk_len) {
		size_t len = PAGE - va % PAGE;

		p->chunk_len = len < CHUNK ? len : CHUNK;
		p->chunk_va = va;
		if (!p->sampler.read(p->sampler.arg, va, p->chunk, p->chunk_len)) {
			p->chunk_len = 0;
			return false;
		}
	}
	memcpy(value, p->chunk + (va - p->chunk_va), 8);
	return true;
}

/*
 * The image begins at the page with its header, below the code that runs.  A machine's first steps
 * are elsewhere, where it was loaded, and the page there has a header, too.
 */
static bool find_base(struct profile *p, uint64_t rip)
{
	_Alignas(16) char head[HEAD];
	char build[65];
	uint64_t page = rip & -PAGE;

	if (rip < LOWEST)
		return false;
	for (uint64_t n = 0; n <= p->size / PAGE; n++, page -= PAGE) {
		if (!p->sampler.read(p->sampler.arg, page, head, SELFMAG) ||
		    memcmp(head, ELFMAG, SELFMAG) != 0 ||
		    !p->sampler.read(p->sampler.arg, page, head, sizeof(head)))
			continue;
		image_build_id(head, sizeof(head), build);
		if (strcmp(build, p->build) == 0) {
			p->base = page;
			return true;
		}
	}
	return false;
}

/* ------------------------------------------------------------------- stacks */

static bool in_image(const struct profile *p, uint64_t va)
{
	return va - p->base < p->size;
}

/* A byte of the image's code, from the debug file; 0 if it is none. */
static const unsigned char *code(const struct profile *p, uint64_t offset, size_t n)
{
	size_t len;
	const Elf64_Ehdr *eh = symbols_elf(p->s, &len);
	const Elf64_Phdr *ph = (const void *)((const char *)eh + eh->e_phoff);

	for (size_t i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_X) && offset >= ph[i].p_vaddr &&
		    offset + n <= ph[i].p_vaddr + ph[i].p_filesz)
			return (const unsigned char *)eh + ph[i].p_offset +
			       (offset - ph[i].p_vaddr);
	return NULL;
}

/*
 * The caller of a function that has no frame (yet): its return address is where the stack pointer
 * points.  That is so at the function's first instruction, and otherwise if the call before
 * the return address leads to the very function.
 */
static bool frameless(const struct profile *p, uint64_t pc, uint64_t ret)
{
	const unsigned char *call;
	uint64_t start;
	int32_t rel;

	if (!in_image(p, pc) || !in_image(p, ret) || !symbols_start(p->s, pc - p->base, &start))
		return false;
	if (start == pc - p->base)
		return true;
	call = code(p, ret - p->base - CALL_LEN, CALL_LEN);
	if (call == NULL || call[0] != 0xe8)
		return false;
	memcpy(&rel, call + 1, sizeof(rel));
	return ret - p->base + (uint64_t)(int64_t)rel == start;
}

/* Fill pc[], innermost first; returns how many. */
static size_t callers(struct profile *p, const struct profile_cpu *cpu, uint64_t pc[MAX_DEPTH])
{
	uint64_t fp = cpu->rbp, ret, next;
	size_t n = 0;

	p->chunk_len = 0;
	pc[n++] = cpu->rip;
	if (word(p, cpu->rsp, &ret) && frameless(p, cpu->rip, ret) &&
	    !(word(p, fp + 8, &next) && next == ret && fp + 8 == cpu->rsp))
		pc[n++] = ret - 1;
	while (n < MAX_DEPTH && word(p, fp, &next) && word(p, fp + 8, &ret) && ret != 0) {
		pc[n++] = ret - 1; /* in the call, whatever follows it */
		if (next == fp)
			break;
		fp = next;
	}
	return n;
}

/* Is the function that begins at `what' in the stack? */
static bool is_in(const struct profile *p, uint64_t what, const uint64_t *pc, size_t n)
{
	uint64_t start;

	for (size_t i = 0; i < n; i++)
		if (in_image(p, pc[i]) && symbols_start(p->s, pc[i] - p->base, &start) &&
		    start == what)
			return true;
	return false;
}

static void count(struct profile *p, const uint64_t *pc, size_t n)
{
	uint64_t h = 0;
	struct stack **at, *st;

	for (size_t i = 0; i < n; i++)
		h = (h ^ pc[i]) * 0x9e3779b97f4a7c15;
	at = &p->hash[h >> 48 & (HASH_SIZE - 1)];
	for (st = *at; st != NULL; st = st->next)
		if (st->n == n && memcmp(st->pc, pc, n * sizeof(*pc)) == 0)
			break;
	if (st == NULL) {
		st = xcalloc(1, sizeof(*st) + n * sizeof(*pc));
		st->n = n;
		memcpy(st->pc, pc, n * sizeof(*pc));
		st->next = *at;
		*at = st;
	}
	st->count++;
}

static void one_cpu(struct profile *p, const struct profile_cpu *cpu)
{
	uint64_t pc[MAX_DEPTH];
	size_t n;

	if (p->base == 0 && !find_base(p, cpu->rip)) {
		p->lost++;
		return;
	}
	n = callers(p, cpu, pc);
	if (!in_image(p, pc[0]) && n == 1) {
		p->lost++; /* a CPU that has not been started, or code that the program made */
		return;
	}
	if (is_in(p, p->waiter, pc, n))
		return;
	p->samples++;
	if (is_in(p, p->idle, pc, n) || is_in(p, p->wait, pc, n)) {
		p->idling++;
		return;
	}
	for (size_t i = 0; i < n; i++)
		pc[i] -= p->base;
	count(p, pc, n);
}

bool profile_sample(struct profile *p)
{
	struct profile_cpu cpu[PROFILE_CPUS];
	size_t n;

	if (!p->sampler.stop(p->sampler.arg, cpu, &n))
		return false;
	for (size_t i = 0; i < n; i++)
		one_cpu(p, &cpu[i]);
	return p->sampler.go(p->sampler.arg);
}

/* ------------------------------------------------------------------- output */

/* Names by which the kernel is entered, or which only it has. */
static bool kernel_name(const char *name)
{
	static const char *const prefixes[] = {
	    "rumpns_", "sys_", "rumpkern_", "rumpuser_", "hw_", "hosted_"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* Outermost first, with names; what the kernel calls is the kernel's. */
static void name_frames(const struct profile *p, const struct stack *st, struct flame_stack *to)
{
	bool kernel = false;

	to->count = st->count;
	to->frame = xcalloc(st->n, sizeof(*to->frame));
	for (size_t i = st->n; i-- > 0;) {
		const char *name = symbols_function(p->s, st->pc[i]);

		if (name == NULL)
			name = "[unknown]";
		kernel = kernel || kernel_name(name);
		to->frame[to->n++] = (struct flame_frame){plain_name(name), kernel};
	}
}

static int by_names(const void *a, const void *b)
{
	const struct flame_stack *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;

	for (size_t i = 0; i < n; i++) {
		int c = strcmp(x->frame[i].name, y->frame[i].name);

		if (c != 0)
			return c;
	}
	return (x->n > y->n) - (x->n < y->n);
}

/* All stacks, sorted, those of the same names as one. */
static struct flame_stack *fold(const struct profile *p, size_t *np)
{
	struct flame_stack *v = NULL;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < HASH_SIZE; i++)
		for (const struct stack *st = p->hash[i]; st != NULL; st = st->next) {
			v = grow(v, n, sizeof(*v));
			v[n] = (struct flame_stack){0};
			name_frames(p, st, &v[n++]);
		}
	if (n > 0)
		qsort(v, n, sizeof(*v), by_names);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && by_names(&v[kept - 1], &v[i]) == 0) {
			v[kept - 1].count += v[i].count;
			free(v[i].frame);
		} else {
			v[kept++] = v[i];
		}
	}
	*np = kept;
	return v;
}

void profile_check(const char *base)
{
	char *folded = xasprintf("%s.folded", base), *svg = xasprintf("%s.svg", base);

	write_file(folded, "", 0);
	write_file(svg, "", 0);
	free(folded);
	free(svg);
}

void profile_write(const struct profile *p, const char *base, const char *title)
{
	struct sbuf folded = {0}, svg = {0};
	char *folded_path = xasprintf("%s.folded", base), *svg_path = xasprintf("%s.svg", base);
	size_t n;
	struct flame_stack *v = fold(p, &n);
	uint64_t busy = p->samples - p->idling;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i].n; k++)
			sbuf_printf(&folded, "%s%s", k ? ";" : "", v[i].frame[k].name);
		sbuf_printf(&folded, " %lu\n", v[i].count);
	}
	flame_svg(&svg, v, n, title);
	write_file(folded_path, folded.s ? folded.s : "", folded.len);
	write_file(svg_path, svg.s, svg.len);
	fprintf(stderr, "%s: %lu samples, %lu%% of them idle; written: %s, %s\n",
	    program_invocation_short_name, busy + p->idling,
	    p->samples > 0 ? p->idling * 100 / p->samples : 0, svg_path, folded_path);
	if (p->lost > busy)
		fprintf(stderr, "%s: %lu more samples were of no code of the image\n",
		    program_invocation_short_name, p->lost);
	for (size_t i = 0; i < n; i++)
		free(v[i].frame);
	free(v);
	free(folded_path);
	free(svg_path);
	sbuf_free(&folded);
	sbuf_free(&svg);
}
