/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reach.h - which sections, and so which components, a program reaches.
 *
 * The walk is the mark phase of the linker's --gc-sections, done over the
 * program, the platform and all components that could be linked, with one
 * difference: an object that nothing has reached is not there.  A reference
 * (relocation) to a symbol goes to the section that defines it, strong before
 * weak, and its object is taken.  When an object is taken, its retained sections
 * (linker sets, so its start-up function) become roots.  A weak undefined
 * reference takes no object, but counts once the object is taken anyway.
 * A component with FOR words is taken when one of the words has been reached.
 *
 * Sections are visited breadth first, and each remembers by whom it was reached
 * first: following that back gives a shortest chain.
 */
#ifndef KILN_REACH_H
#define KILN_REACH_H

#include "elfobj.h"
#include "util.h"

#define NO_NODE SIZE_MAX

enum object_kind { OBJECT_PROGRAM, OBJECT_PLATFORM, OBJECT_COMPONENT };

struct object {
	enum object_kind kind;
	char *name; /* program's name, platform's, or kern/base */
	char *path;
	const char *linked; /* what ld is given: path, or a copy */
	char *summary;	    /* of a component */
	struct strlist for_words, platforms;
	bool available; /* exists on this platform */
	bool taken;
	size_t why;	/* node by which it was first reached, or NO_NODE */
	char *why_text; /* a reason that is not a reference, or NULL */
	struct elf_object elf;
	size_t *node; /* by section: its node, or NO_NODE */
};

/* A section that is reached. */
struct node {
	struct object *object;
	size_t section;
	size_t parent;	    /* node that refers to it, NO_NODE for a root */
	const char *symbol; /* by which name; section name if by none */
};

struct undefined {
	const char *symbol;
	size_t node;		  /* who refers to it first */
	struct object *elsewhere; /* unavailable component that would have it */
};

struct reach {
	struct object *object; /* [0] program, [1] platform, components, other programs */
	size_t nobject;
	struct node *node;
	size_t nnode;
	struct undefined *undefined;
	size_t nundefined;
	struct strlist absent;	/* weakly referred to, and not in the image: their value is 0 */
	struct strlist options; /* "@root" ... */
	struct strlist linker_words; /* words of the linker script: symbols it may define */

	/* the walk's own */
	struct symtab *symtab;
	size_t ntaken;
	size_t next; /* first node whose references are not followed */
	struct weak_ref *weak;
	size_t nweak;
	struct strlist sets; /* SETs of __start_SET that were referred to */
};

/*
 * Walk from entry (program and platform are taken whole as far as their roots
 * go), from `syscalls` (names without sys_) and from the components in `with`.
 * Ends the command for an unknown name in syscalls or with; undefined symbols
 * are left in r->undefined.
 */
void reach_walk(struct reach *r, const char *platform_entry, const struct strlist *syscalls,
    const struct strlist *with);

/* Is the symbol defined in a section that was reached? */
bool reach_symbol(const struct reach *r, const char *name);
/* Some object on this platform defines it. */
bool reach_defines(const struct reach *r, const char *name);
/* Symbol as people know it: without the kernel's name-space prefix. */
const char *plain_name(const char *symbol);
/* The best name for what a node is: a symbol in the section, or the section. */
const char *node_name(const struct reach *r, size_t node);
/* "main (hello) <- _start (hello)": the chain that leads to a node. */
void reach_chain(const struct reach *r, size_t node, struct sbuf *out);

#endif
