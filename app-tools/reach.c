/* SPDX-License-Identifier: BSD-2-Clause */
#include "reach.h"
#include "kiln.h"

#include <ctype.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

#ifndef SHF_GNU_RETAIN
#define SHF_GNU_RETAIN (1 << 21)
#endif

#define NAMESPACE "rumpns_"

/* ------------------------------------------------------------ symbol table */

/* A definition of a global symbol; those of one name are chained, best first. */
struct def {
	const char *name;
	struct object *object;
	size_t sym;
	bool weak;
	struct def *worse;
	struct def *hash_next; /* another name in the same bucket */
};

#define NBUCKETS 16384

struct symtab {
	struct def *bucket[NBUCKETS];
};

struct weak_ref {
	struct def *def; /* best definition, in an object not taken then */
	size_t node;
	bool done;
};

static unsigned hash(const char *s)
{
	unsigned h = 5381;

	while (*s != '\0')
		h = 33 * h + (unsigned char)*s++;
	return h % NBUCKETS;
}

static struct def **lookup_slot(struct symtab *t, const char *name)
{
	struct def **p;

	for (p = &t->bucket[hash(name)]; *p != NULL; p = &(*p)->hash_next)
		if (strcmp((*p)->name, name) == 0)
			break;
	return p;
}

static struct def *lookup(const struct reach *r, const char *name)
{
	return *lookup_slot(r->symtab, name);
}

/* Objects are entered in order of precedence, so a definition goes behind its equals. */
static void define(struct symtab *t, struct object *o, size_t sym)
{
	const Elf64_Sym *s = &o->elf.sym[sym];
	struct def *d = xcalloc(1, sizeof(*d)), **p;

	d->name = elfobj_symname(&o->elf, sym);
	d->object = o;
	d->sym = sym;
	d->weak = ELF64_ST_BIND(s->st_info) == STB_WEAK;
	p = lookup_slot(t, d->name);
	if (*p == NULL) {
		*p = d;
	} else if ((*p)->weak && !d->weak && o->available >= (*p)->object->available) {
		d->worse = *p;
		d->hash_next = (*p)->hash_next;
		(*p)->hash_next = NULL;
		*p = d;
	} else {
		for (struct def *q = *p;; q = q->worse)
			if (q->worse == NULL || (q->worse->weak && !d->weak)) {
				d->worse = q->worse;
				q->worse = d;
				break;
			}
	}
}

static void define_all(struct reach *r, bool available)
{
	for (size_t i = 0; i < r->nobject; i++) {
		struct object *o = &r->object[i];

		if (o->available != available)
			continue;
		for (size_t s = 1; s < o->elf.nsym; s++)
			if (ELF64_ST_BIND(o->elf.sym[s].st_info) != STB_LOCAL &&
			    elfobj_defined(&o->elf.sym[s]))
				define(r->symtab, o, s);
	}
}

/* ----------------------------------------------------------------- marking */

static void take(struct reach *r, struct object *o, size_t why);

static void mark(struct reach *r, struct object *o, size_t sec, size_t parent, const char *symbol)
{
	const struct elf_section *s = &o->elf.sec[sec];

	if ((s->flags & SHF_ALLOC) == 0 || o->node[sec] != NO_NODE)
		return;
	r->node = grow(r->node, r->nnode, sizeof(*r->node));
	o->node[sec] = r->nnode;
	r->node[r->nnode++] = (struct node){o, sec, parent, symbol && *symbol ? symbol : s->name};
	take(r, o, o->node[sec]);
	if (s->group != 0) /* a group lives and dies as one */
		for (size_t i = 1; i < o->elf.nsec; i++)
			if (o->elf.sec[i].group == s->group)
				mark(r, o, i, o->node[sec], NULL);
}

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Sections that the linker keeps whenever their object is linked. */
static bool is_root(const struct elf_section *s)
{
	const char *name = s->name;
	static const char *const kept[] = {
	    ".init", ".fini", ".init_array", ".fini_array", ".preinit_array", ".ctors", ".dtors"};

	if (s->flags & SHF_GNU_RETAIN)
		return true;
	if (starts(name, ".prog")) /* one of several programs: bake_programs.c */
		name += 5 + strspn(name + 5, "0123456789");
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (starts(name, kept[i]) &&
		    (name[strlen(kept[i])] == '\0' || name[strlen(kept[i])] == '.'))
			return true;
	return false;
}

static void take(struct reach *r, struct object *o, size_t why)
{
	if (o->taken)
		return;
	o->taken = true;
	o->why = why;
	r->ntaken++;
	for (size_t i = 1; i < o->elf.nsec; i++)
		if (is_root(&o->elf.sec[i]))
			mark(r, o, i, why, NULL);
}

static void mark_def(struct reach *r, const struct def *d, size_t node)
{
	size_t sec = elfobj_symsec(&d->object->elf, d->sym);

	if (sec != NO_SECTION)
		mark(r, d->object, sec, node, d->name);
	else
		take(r, d->object, node); /* absolute or common */
}

static bool linker_defines(struct reach *r, const char *name)
{
	static const char *const known[] = {"_GLOBAL_OFFSET_TABLE_", "_DYNAMIC", "__ehdr_start",
	    "__executable_start", "__bss_start", "_edata", "_end", "end", "edata", "etext",
	    "_etext", "__TLS_MODULE_BASE_", "_TLS_MODULE_BASE_"};
	const char *set = starts(name, "__start_")  ? name + 8
			  : starts(name, "__stop_") ? name + 7
						    : NULL;

	if (set != NULL) {
		if (!strlist_has(&r->sets, set))
			strlist_add(&r->sets, set);
		return true;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return strlist_has(&r->linker_words, name);
}

static void note_undefined(struct reach *r, const char *name, size_t node, struct object *elsewhere)
{
	for (size_t i = 0; i < r->nundefined; i++)
		if (strcmp(r->undefined[i].symbol, name) == 0)
			return;
	r->undefined = grow(r->undefined, r->nundefined, sizeof(*r->undefined));
	r->undefined[r->nundefined++] = (struct undefined){name, node, elsewhere};
}

static void add_absent(struct reach *r, const char *name)
{
	if (!strlist_has(&r->absent, name))
		strlist_add(&r->absent, name);
}

/* Follow one reference from a node to a symbol of its object. */
static void follow(struct reach *r, size_t node, size_t sym)
{
	struct object *o = r->node[node].object;
	const Elf64_Sym *s = &o->elf.sym[sym];
	const char *name = elfobj_symname(&o->elf, sym);
	size_t sec;
	struct def *d;

	if (sym == 0)
		return;
	if (ELF64_ST_BIND(s->st_info) == STB_LOCAL) {
		sec = elfobj_symsec(&o->elf, sym);
		if (sec != NO_SECTION)
			mark(r, o, sec, node, name);
		return;
	}
	d = lookup(r, name);
	if (d == NULL || !d->object->available) {
		if (linker_defines(r, name))
			return;
		if (ELF64_ST_BIND(s->st_info) != STB_WEAK)
			note_undefined(r, name, node, d ? d->object : NULL);
		else
			add_absent(r, name);
		return;
	}
	if (!elfobj_defined(s) && ELF64_ST_BIND(s->st_info) == STB_WEAK && !d->object->taken) {
		r->weak = grow(r->weak, r->nweak, sizeof(*r->weak));
		r->weak[r->nweak++] = (struct weak_ref){d, node, false};
		return;
	}
	mark_def(r, d, node);
}

static void drain(struct reach *r)
{
	for (; r->next < r->nnode; r->next++) {
		const struct node n = r->node[r->next];
		const struct elf_section *s = &n.object->elf.sec[n.section];

		for (size_t i = 0; i < s->nrela; i++)
			follow(r, r->next, ELF64_R_SYM(s->rela[i].r_info));
		for (size_t i = 0; i < s->nextra; i++)
			follow(r, r->next, s->extra[i]);
	}
}

/* --------------------------------------------- what is not a plain reference */

/* Weak references to objects that have been taken since. */
static void settle_weak(struct reach *r)
{
	for (size_t i = 0; i < r->nweak; i++) {
		struct weak_ref *w = &r->weak[i];

		if (!w->done && w->def->object->taken) {
			w->done = true;
			mark_def(r, w->def, w->node);
		}
	}
}

/* Sections that __start_SET of a reached section asks for. */
static void settle_sets(struct reach *r)
{
	for (size_t i = 0; r->sets.n > 0 && i < r->nobject; i++) {
		struct object *o = &r->object[i];

		for (size_t s = 1; o->taken && s < o->elf.nsec; s++)
			if (o->node[s] == NO_NODE && strlist_has(&r->sets, o->elf.sec[s].name))
				mark(r, o, s, NO_NODE, NULL);
	}
}

/* Node of the section that defines the symbol, if it was reached. */
static size_t reached(const struct reach *r, const char *name)
{
	for (struct def *d = lookup(r, name); d != NULL; d = d->worse) {
		size_t sec = elfobj_symsec(&d->object->elf, d->sym);

		if (sec != NO_SECTION && d->object->node[sec] != NO_NODE)
			return d->object->node[sec];
	}
	return NO_NODE;
}

static size_t reached_word(const struct reach *r, const char *word)
{
	size_t node = reached(r, word);
	char *name;

	if (node != NO_NODE)
		return node;
	name = xasprintf(NAMESPACE "%s", word);
	node = reached(r, name);
	free(name);
	return node;
}

static void settle_for(struct reach *r)
{
	for (size_t i = 0; i < r->nobject; i++) {
		struct object *o = &r->object[i];

		for (size_t w = 0; o->available && !o->taken && w < o->for_words.n; w++) {
			const char *word = o->for_words.v[w];
			size_t node = NO_NODE;

			if (*word == '@' ? !strlist_has(&r->options, word)
					 : (node = reached_word(r, word)) == NO_NODE)
				continue;
			o->why_text = xasprintf("it is there for %s", word);
			take(r, o, node);
		}
	}
}

static struct object *component(struct reach *r, const char *name)
{
	struct object *o;

	for (size_t i = 0; i < r->nobject; i++) {
		o = &r->object[i];
		if (o->kind != OBJECT_COMPONENT || strcmp(o->name, name) != 0)
			continue;
		if (!o->available)
			errx(kiln_failure,
			    "--with %s: this component does not exist on platform %s", name,
			    r->object[1].name);
		return o;
	}
	errx(
	    kiln_failure, "--with %s: no such component (`make help-components' lists them)", name);
}

static void mark_roots(struct reach *r, const char *platform_entry, const struct strlist *syscalls,
    const struct strlist *with)
{
	struct def *d;
	char *name;

	d = lookup(r, "_start");
	if (d == NULL || d->object != &r->object[0])
		errx(kiln_failure, "%s: the program has no _start", r->object[0].path);
	mark_def(r, d, NO_NODE);
	take(r, &r->object[0], NO_NODE);
	for (size_t i = 2; i < r->nobject; i++) {
		struct object *o = &r->object[i];

		if (o->kind != OBJECT_PROGRAM)
			continue;
		name = xasprintf("%s:_start", o->name);
		d = lookup(r, name);
		if (d == NULL || d->object != o)
			errx(kiln_failure, "%s: the program has no _start", o->name);
		mark_def(r, d, NO_NODE);
		take(r, o, NO_NODE);
		free(name);
	}
	d = lookup(r, platform_entry);
	if (d == NULL || d->object != &r->object[1])
		errx(kiln_failure, "%s: the platform has no entry %s", r->object[1].path,
		    platform_entry);
	mark_def(r, d, NO_NODE);
	take(r, &r->object[1], NO_NODE);
	for (size_t i = 0; i < syscalls->n; i++) {
		name = xasprintf("sys_%s", syscalls->v[i]);
		d = lookup(r, name);
		if (d == NULL || !d->object->available)
			errx(kiln_failure, "--syscalls %s: there is no such system call",
			    syscalls->v[i]);
		mark_def(r, d, NO_NODE);
		free(name);
	}
	for (size_t i = 0; i < with->n; i++) {
		struct object *o = component(r, with->v[i]);

		if (!o->taken)
			o->why_text = xstrdup("--with asks for it");
		take(r, o, NO_NODE);
	}
}

void reach_walk(struct reach *r, const char *platform_entry, const struct strlist *syscalls,
    const struct strlist *with)
{
	size_t nodes, taken;

	r->symtab = xcalloc(1, sizeof(*r->symtab));
	for (size_t i = 0; i < r->nobject; i++) {
		struct object *o = &r->object[i];

		elfobj_read(o->path, &o->elf);
		o->why = NO_NODE;
		o->node = xcalloc(o->elf.nsec, sizeof(*o->node));
		for (size_t s = 0; s < o->elf.nsec; s++)
			o->node[s] = NO_NODE;
	}
	define_all(r, true);
	define_all(r, false); /* to be able to say where a symbol would be */
	mark_roots(r, platform_entry, syscalls, with);
	do {
		nodes = r->nnode;
		taken = r->ntaken;
		drain(r);
		settle_weak(r);
		settle_sets(r);
		settle_for(r);
	} while (r->nnode != nodes || r->ntaken != taken || r->next != r->nnode);
	for (size_t i = 0; i < r->nweak; i++)
		if (!r->weak[i].done)
			add_absent(r, r->weak[i].def->name);
}

/* ------------------------------------------------------------------ answers */

bool reach_symbol(const struct reach *r, const char *name)
{
	return reached(r, name) != NO_NODE;
}

bool reach_defines(const struct reach *r, const char *name)
{
	const struct def *d = lookup(r, name);

	return d != NULL && d->object->available;
}

const char *plain_name(const char *symbol)
{
	return starts(symbol, NAMESPACE) ? symbol + strlen(NAMESPACE) : symbol;
}

const char *node_name(const struct reach *r, size_t node)
{
	const struct node *n = &r->node[node];
	const char *section = n->object->elf.sec[n->section].name;
	static const char *const prefixes[] = {".text.startup.", ".text.unlikely.", ".text.",
	    ".rodata.", ".data.rel.ro.local.", ".data.rel.ro.", ".data.", ".bss.", ".tbss.",
	    ".tdata."};

	/* Reached through a section symbol: -ffunction-sections tells the name. */
	if (n->symbol != section)
		return plain_name(n->symbol);
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (starts(section, prefixes[i]) && section[strlen(prefixes[i])] != '\0')
			return section + strlen(prefixes[i]);
	return section;
}

void reach_chain(const struct reach *r, size_t node, struct sbuf *out)
{
	const char *sep = "";

	for (; node != NO_NODE; node = r->node[node].parent) {
		sbuf_printf(out, "%s%s (%s)", sep, node_name(r, node), r->node[node].object->name);
		sep = " <- ";
	}
}
