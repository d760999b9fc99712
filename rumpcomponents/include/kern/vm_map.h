/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address-space map: ranges of virtual addresses, anonymous (filled on
 * first touch) or backed by a pager (files).  One map, for program and kernel
 * stacks alike.
 *
 * LOCK ORDER: vm_map lock, then a pager's locks, then page allocator.
 */
#ifndef KERN_VM_MAP_H
#define KERN_VM_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What stands behind a file mapping.  The map holds one reference per range.
 * vo_getpage: the page at byte offset off (page aligned): *pa is a page that
 * stays valid until vo_putpage, which comes when no CPU can reach it any more.
 * shared_write: the mapping may write it, from now on; vo_putpage's dirty says
 * no more than that the page was writable at the end.  EFBIG beyond the end
 * (SIGBUS), ENOMEM, EIO.  May sleep; called without the map's lock being
 * exclusive.
 */
struct vm_object;
struct vm_objectops {
	int (*vo_getpage)(struct vm_object *obj, uint64_t off, bool shared_write, uint64_t *pa);
	void (*vo_putpage)(struct vm_object *obj, uint64_t off, uint64_t pa, bool dirty);
	void (*vo_ref)(struct vm_object *obj);
	void (*vo_rele)(struct vm_object *obj);
};
struct vm_object {
	const struct vm_objectops *vo_ops;
};

/*
 * Map len bytes.  prot and flags are mmap(2)'s PROT_ and MAP_ values; obj NULL for
 * anonymous memory, else its reference is taken over on success.  *vap is
 * the hint (or the address, with MAP_FIXED) and the result.
 * ENOMEM, EINVAL, EEXIST (MAP_FIXED_NOREPLACE).
 */
int vm_map_enter(
    uintptr_t *vap, size_t len, int prot, int flags, struct vm_object *obj, uint64_t off);
/* munmap(2) and mprotect(2); holes are no error to the first, ENOMEM to the second.  EINVAL,
 * EACCES (not the program's), ENOMEM.  May sleep. */
int vm_map_remove(uintptr_t va, size_t len);
int vm_map_protect(uintptr_t va, size_t len, int prot);
/* Unmap all that the calling process has mapped, but for what begins in [keep, keep + len). */
void vm_map_remove_proc(uintptr_t keep, size_t len);

/*
 * Move and resize one mapping (mremap(2)).  *vap is the old address and the new one.  With
 * may_move false it stays where it is; with fixed it goes to *vap's new address `to`, replacing
 * what is there.  EFAULT: [va, va+oldlen) is not one mapping; ENOMEM; EINVAL.
 */
int vm_map_move(
    uintptr_t *vap, size_t oldlen, size_t newlen, bool may_move, bool fixed, uintptr_t to);
/*
 * Forget the contents: the next touch finds zeroes, or the file (MADV_DONTNEED).  Shared anonymous
 * memory keeps them, as there is no other copy.  ENOMEM: a hole.
 */
int vm_map_discard(uintptr_t va, size_t len);
/* Where the kernel and the program lie: text and data, which are not of the map. */
void vm_image_range(uintptr_t *start, uintptr_t *end);
/*
 * The root file system image that bake put in, NULL: none.  *pa is where it begins in physical
 * memory, UINT64_MAX if it is not in one piece or not page aligned.
 */
const void *vm_image_rootfs(size_t *size, uint64_t *pa);

/* Is every page of the range mapped?  resident (may be NULL): a byte per page, 1 if it is in
 * memory. */
bool vm_map_check(uintptr_t va, size_t len, unsigned char *resident);

/*
 * Fault every page of the range in.  ENOMEM: no memory, a hole, no access, or beyond a file's end;
 * what is there stays.  May sleep.
 */
int vm_map_populate(uintptr_t va, size_t len);
/* Lock or unlock the pages of the range: ENOMEM, a hole.  Does not populate. */
int vm_map_wire(uintptr_t va, size_t len, bool wire);
/* Lock all there is now and/or will be; neither: unlock all. */
void vm_map_wire_all(bool now, bool future);
/* Is a page of the range locked? */
bool vm_map_wired(uintptr_t va, size_t len);

/* Is obj, and nothing else, mapped in the whole range? */
bool vm_map_shows(uintptr_t va, size_t len, const struct vm_object *obj);

/*
 * func for each range of the map but the kernel's own, by address.  The map is locked meanwhile:
 * func may allocate, but touches no memory of the program's and does not sleep long.
 */
struct vm_map_range {
	uintptr_t vr_start, vr_end;
	int vr_prot; /* PROT_* */
	bool vr_shared;
	uint64_t vr_off;      /* in the file */
	uint64_t vr_resident; /* pages: at most so many are in memory */
};
void vm_map_foreach(void (*func)(const struct vm_map_range *range, void *arg), void *arg);

/*
 * A page fault at va; write/exec as in the error code.  0: resolved, resume.
 * EFAULT: SIGSEGV (code 1 MAPERR, 2 ACCERR in *sicode); EFBIG: SIGBUS; ENOMEM.
 */
int vm_fault(uintptr_t va, bool write, bool exec, int *sicode);

/*
 * Pages for a device: those behind npages pages of the program from va on (page-aligned), faulted
 * in, stay what they are until vm_unpin(), also if the program unmaps them.  write: the device
 * writes them.  How many leading ones are pinned, their addresses in pa[]: fewer than npages
 * before a hole, or a page that must not be used like that, or has been pinned very often.
 * Sleeps; vm_unpin() doesn't and goes in any context but interrupt handlers.
 */
size_t vm_pin(uintptr_t va, size_t npages, bool write, uint64_t *pa);
void vm_unpin(const uint64_t *pa, size_t npages);

/* A kernel stack of `size` bytes with a guard page below it; wired.  ENOMEM. */
int vm_kstack_alloc(size_t size, uintptr_t *base);
void vm_kstack_free(uintptr_t base, size_t size);

#endif
