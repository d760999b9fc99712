/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classes of locks and the orders they are taken in.
 *
 * "A before B" is an edge from A to B: somebody took a B while he held an A.  The graph has no
 * cycle: an edge that would close one is a complaint instead, made once, when the second of two
 * orders is first seen, whether or not anybody has ever waited.  Most orders have been seen
 * already, and that is one look at a bit, without a lock.
 */
#include <stdarg.h>
#include <kern/linkset.h>
#include "lockdebug_impl.h"

#define NCLASSES 256
#define NEDGES	 4096 /* a power of two */
#define NFRAMES	 16

struct edge {
	const struct lock_site *held, *taken;
	uint16_t from, to;
};

static struct lock_class classes[NCLASSES];
static unsigned nclasses, nedges;
static uint64_t before[NCLASSES][NCLASSES / 64]; /* the graph */
static uint64_t seen[NCLASSES][NCLASSES / 64];	 /* and what was complained of */
static struct edge edges[NEDGES];		 /* where each was first seen; hashed */
static uint16_t queue[NCLASSES], came_from[NCLASSES];
static volatile uint32_t graph_lock; /* all of the above; a leaf, and not checked */
volatile bool lockdebug_silent;
volatile uint32_t lockdebug_complaints;

static bool bit(uint64_t (*m)[NCLASSES / 64], unsigned from, unsigned to)
{
	return __atomic_load_n(&m[from][to / 64], __ATOMIC_RELAXED) >> to % 64 & 1;
}

static void set_bit(uint64_t (*m)[NCLASSES / 64], unsigned from, unsigned to)
{
	__atomic_fetch_or(&m[from][to / 64], 1ULL << to % 64, __ATOMIC_RELAXED);
}

static void graph_enter(void)
{
	cpu_hold();
	spin_enter(&graph_lock);
}

static void graph_exit(void)
{
	spin_exit(&graph_lock);
	cpu_release();
}

/* "&so->so_mutex" is so_mutex, "&locks[i]" is locks. */
static void class_name(char *name, size_t size, const char *what)
{
	size_t n = 0;

	for (const char *p = what; *p != '\0'; p++)
		if (p[0] == '-' && p[1] == '>')
			what = p + 2;
	while (*what == '&' || *what == '*' || *what == '(')
		what++;
	while (n < size - 1 && what[n] != '\0' && strchr("[()", what[n]) == NULL) {
		name[n] = what[n];
		n++;
	}
	name[n] = '\0';
}

/* The class of that name in that file, new if need be. */
static struct lock_class *find_class(const char *file, const char *name)
{
	struct lock_class *c;

	graph_enter();
	for (c = classes; c < classes + nclasses; c++)
		if (strcmp(c->lc_file, file) == 0 && strcmp(c->lc_name, name) == 0)
			break;
	if (c == classes + nclasses) {
		if (nclasses == NCLASSES)
			panic("lockdebug: more than %d classes of locks", NCLASSES);
		c->lc_id = (uint16_t)nclasses++;
		c->lc_file = file;
		strlcpy(c->lc_name, name, sizeof(c->lc_name));
	}
	graph_exit();
	return c;
}

struct lock_class *lockdebug_class(struct lock_site *site)
{
	struct lock_class *c = site->ls_class;
	char name[sizeof(c->lc_name)];

	if (c != NULL)
		return c;
	class_name(name, sizeof(name), site->ls_what);
	return site->ls_class = find_class(site->ls_file, name);
}

struct lock_class *lockdebug_class_of_function(uintptr_t func)
{
	char name[sizeof(classes[0].lc_name)];
	struct lock_class *c;

	for (c = classes; c < classes + nclasses; c++)
		if (c->lc_func == func)
			return c;
	/* `kiln symbolize` knows what that is. */
	ksnprintf(name, sizeof(name), "image+0x%lx", func - kern_bootinfo->image_base);
	c = find_class("", name);
	c->lc_func = func;
	return c;
}

/* The place of an edge in the table, or where it is to be put. */
static struct edge *edge_slot(unsigned from, unsigned to)
{
	unsigned i = (from * 257 + to * 31) % NEDGES;

	while (edges[i].held != NULL && (edges[i].from != from || edges[i].to != to))
		i = (i + 1) % NEDGES;
	return &edges[i];
}

/* Is there a way from `from` to `to`?  Then came_from[] leads back along the shortest. */
static bool reaches(unsigned from, unsigned to)
{
	uint64_t done[NCLASSES / 64] = {0};
	unsigned head = 0, tail = 0;

	queue[tail++] = (uint16_t)from;
	done[from / 64] |= 1ULL << from % 64;
	while (head < tail) {
		unsigned at = queue[head++];
		if (at == to)
			return true;
		for (unsigned n = 0; n < nclasses; n++) {
			if (!bit(before, at, n) || (done[n / 64] >> n % 64 & 1))
				continue;
			done[n / 64] |= 1ULL << n % 64;
			came_from[n] = (uint16_t)at;
			queue[tail++] = (uint16_t)n;
		}
	}
	return false;
}

static void print_edge(const char *when, const struct edge *e)
{
	kprintf("kiln: lockdebug: %s %s taken at %s:%d with %s held since %s:%d\n", when,
	    classes[e->to].lc_name, e->taken->ls_file, e->taken->ls_line, classes[e->from].lc_name,
	    e->held->ls_file, e->held->ls_line);
}

/* The chain of orders that leads from c to h, last first. */
static void print_chain(unsigned from, unsigned to)
{
	struct edge chain[8];
	unsigned n = 0;

	graph_enter();
	if (reaches(from, to))
		for (unsigned at = to; at != from && n < NELEM(chain); at = came_from[at])
			chain[n++] = *edge_slot(came_from[at], at);
	graph_exit();
	while (n-- > 0)
		print_edge("earlier:", &chain[n]);
}

/* Two locks of one class. */
static void check_nesting(const struct lock_held *h, const struct lock_held *now)
{
	struct lock_class *c = h->lh_class;

	if (c->lc_nests == LOCK_BY_USERS ||
	    (c->lc_nests == LOCK_BY_ADDRESS && (uintptr_t)h->lh_lock < (uintptr_t)now->lh_lock))
		return;
	if (bit(seen, c->lc_id, c->lc_id))
		return;
	set_bit(seen, c->lc_id, c->lc_id);
	lockdebug_complain("two locks of one class%s: %s taken at %s:%d with one held since %s:%d",
	    c->lc_nests == LOCK_BY_ADDRESS ? " against the order of addresses" : "", c->lc_name,
	    now->lh_site->ls_file, now->lh_site->ls_line, h->lh_site->ls_file, h->lh_site->ls_line);
}

void lockdebug_order(const struct lock_held *h, const struct lock_held *now)
{
	unsigned from = h->lh_class->lc_id, to = now->lh_class->lc_id;
	struct edge e = {h->lh_site, now->lh_site, (uint16_t)from, (uint16_t)to};
	bool cycle;

	if (from == to) {
		check_nesting(h, now);
		return;
	}
	if (bit(seen, from, to))
		return;
	graph_enter();
	if (bit(seen, from, to) || nedges == NEDGES / 2) {
		graph_exit();
		return;
	}
	cycle = reaches(to, from);
	set_bit(seen, from, to);
	if (!cycle) {
		*edge_slot(from, to) = e;
		nedges++;
		set_bit(before, from, to);
	}
	graph_exit();
	if (!cycle)
		return;
	lockdebug_complain(
	    "locks in both orders: %s and %s", classes[from].lc_name, classes[to].lc_name);
	print_edge("now:", &e);
	print_chain(to, from);
}

unsigned lockdebug_callers(uintptr_t *pc, unsigned max)
{
	const uintptr_t *fp = __builtin_frame_address(0);
	const struct lwp *l = curlwp;
	unsigned n = 0;

	while ((uintptr_t)fp >= l->l_kstack_base && (uintptr_t)fp < l->l_kstack_top - 16 &&
	       (uintptr_t)fp % 8 == 0 && n < max && fp[1] != 0) {
		pc[n++] = fp[1];
		if (*fp <= (uintptr_t)fp)
			break;
		fp = (const uintptr_t *)*fp;
	}
	return n;
}

/* As in the report of a panic, which has names by the same means. */
void lockdebug_print_callers(const uintptr_t *pc, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (pc[i] >= kern_bootinfo->image_base && pc[i] < kern_bootinfo->image_end)
			kprintf(
			    "kiln:  #%u image+0x%lx\n", i + 1, pc[i] - kern_bootinfo->image_base);
}

void lockdebug_complain(const char *fmt, ...)
{
	uintptr_t pc[NFRAMES];
	char text[160];
	va_list ap;

	if (lockdebug_silent)
		return;
	__atomic_fetch_add(&lockdebug_complaints, 1, __ATOMIC_RELAXED);
	va_start(ap, fmt);
	kvsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	kprintf("kiln: lockdebug: WRONG: %s\n", text);
	lockdebug_print_callers(pc, lockdebug_callers(pc, NELEM(pc)));
}

static void lockdebug_shutdown(void)
{
	kprintf("kiln: lockdebug: %u classes of locks, %u orders, %u complaints\n", nclasses,
	    nedges, lockdebug_complaints);
}
LINK_SET_ADD(shutdown_hooks, lockdebug_shutdown);
