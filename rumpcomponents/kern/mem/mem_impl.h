/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern/mem's own: pages, and the entries of the address-space map.
 *
 * LOCK ORDER: vm_lock (the map), a pager's locks, page-table work, page lock.
 */
#ifndef MEM_IMPL_H
#define MEM_IMPL_H

#include <rumpuser.h>
#include <sys/tree.h>
#include <kern/kmem.h>
#include <kern/cpu.h>
#include <kern/mutex.h>
#include <kern/proc.h>
#include <kern/spin.h>
#include <kern/systm.h>
#include <kern/vm_map.h>

/* ---- pages */

/* Pages kept back for the kernel itself: the program is refused memory before the kernel is. */
extern uint64_t page_reserve;
extern uint64_t page_nfree, page_ntotal; /* read without the lock: a hint */
/* 2^order pages for the program: 0 when only the reserve is left.  Each is freed on its own. */
uint64_t page_alloc_user(unsigned order);
/* Did pa come from page_alloc_user()? */
bool page_is_user(uint64_t pa);
static inline void page_free_user(uint64_t pa)
{
	page_free(pa, 0);
}
#define USER_ORDER  4 /* of the blocks that the program's memory is filled by, where it can be */
#define USER_BLOCK  (PAGE_SIZE << USER_ORDER)
#define LARGE_ORDER 9 /* of the large pages that page tables have */
#define LARGE_PAGE  (PAGE_SIZE << LARGE_ORDER)
/* So many pages in sequence.  What was taken as a block goes back as one: a sixteenth of the work.
 */
void page_free_users(uint64_t pa, size_t npages);

/* page_pin.c's bits of a page's state byte, and those that say that it is in nobody's use. */
#define PAGE_PINS   0x0f
#define PAGE_GONE   0x10 /* freed while it was pinned */
#define PAGE_UNUSED 0xa0
uint8_t *page_stateof(uint64_t pa); /* NULL: not one of ours */
bool page_pin(uint64_t pa);
/* Set with the first pin: what page_free() asks about a pinned page. */
extern bool (*page_gone)(uint64_t pa);

void page_stats(struct kmem_stats *ks);
uint64_t pool_objects(void);

/* ---- the map */

struct vm_entry {
	RB_ENTRY(vm_entry) ve_node;
	uintptr_t ve_start, ve_end;
	struct vm_object *ve_obj;      /* NULL: anonymous */
	struct proc *ve_proc;	       /* whose it is */
	uint64_t ve_off;	       /* byte offset of ve_start in ve_obj */
	volatile uint64_t ve_resident; /* at most so many of its pages are mapped; atomic */
	uint8_t ve_prot;	       /* PROT_* */
	bool ve_shared;		       /* MAP_SHARED */
	bool ve_noreserve;	       /* MAP_NORESERVE: never charged */
	bool ve_charged;	       /* memory is promised for all its pages */
	bool ve_wired;		       /* mlock(2) */
	volatile bool ve_large;	       /* large pages may be in it */
	bool ve_growsdown;	       /* MAP_GROWSDOWN: a touch below it extends it */
	bool ve_kernel;		       /* a kernel stack: wired, not the program's to change */
};
RB_HEAD(vm_tree, vm_entry);
RB_PROTOTYPE(vm_tree, vm_entry, ve_node, vm_compare)

extern struct vm_tree vm_tree;
extern krwlock_t vm_lock; /* the tree and its entries */
/* Pages promised to charged entries but not filled yet; atomic. */
extern volatile int64_t vm_promised;

/* mlockall(2), MCL_FUTURE; vm_lock. */
extern volatile bool vm_wire_future;

/* The entry that holds va, or NULL.  vm_lock held. */
struct vm_entry *vm_lookup(uintptr_t va);
/* The first entry that ends above va. */
struct vm_entry *vm_lookup_ge(uintptr_t va);
/* Hardware protection for what an entry allows. */
unsigned vm_hwprot(int prot);
/*
 * Take the pages of e in [start, end) out and free those that are its own; how many those were.
 * Promises are the caller's business.  vm_lock held as writer.
 */
uint64_t vm_unmap_pages(struct vm_entry *e, uintptr_t start, uintptr_t end);
/* A free range of len bytes, or 0.  vm_lock held as writer. */
uintptr_t vm_find_space(size_t len);
/* Likewise where no mapping of the program's can be near: for kernel stacks. */
uintptr_t vm_find_kernel_space(size_t len);
/* Enter [start, start + len), which is free.  NULL: no memory. */
struct vm_entry *vm_insert(uintptr_t start, size_t len);
void vm_remove_entry(struct vm_entry *e);
void vm_fault_init(void);
/* Have a mapping that grows down reach va, where nothing is.  EFAULT: there is none; ENOMEM. */
int vm_grow_down(uintptr_t va);
bool vm_can_promise(uint64_t npages);
bool vm_in_range(uintptr_t va, size_t len);
/*
 * Have no large page of e reach across va, so that what happens to one side of it cannot fail half
 * way.  ENOMEM.  vm_lock held as writer.
 */
int vm_cut_large(const struct vm_entry *e, uintptr_t va);
/* Free pages from which large ones are made. */
extern uint64_t vm_large_plenty;
/* Cut so that [va, va + len) is an entry of its own; NULL: no memory.  vm_lock held as writer. */
struct vm_entry *vm_isolate(uintptr_t va, size_t len);

/* Unmap [va, va + len), page-aligned.  => vm_lock held as writer.  EINVAL: it holds a kernel stack.
 */
int vm_remove_locked(uintptr_t va, size_t len);

#endif
