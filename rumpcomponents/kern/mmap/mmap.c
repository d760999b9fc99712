/* SPDX-License-Identifier: BSD-2-Clause */
/* mmap(2) and its family: arguments are checked as Linux does, the map does the work. */
#include <fcntl.h>
#include <sys/mman.h>
#include <kern/file.h>
#include <kern/sysproto.h>
#include <kern/systm.h>
#include <kern/vm_map.h>

/* The object behind fd, and whether it may be mapped that way. */
static int file_object(
    int fd, uint64_t off, size_t len, int prot, int flags, struct vm_object **objp)
{
	struct file *fp;
	int error = fd_getfile(fd, &fp), mode;

	if (error)
		return error;
	mode = fp->f_flags & O_ACCMODE;
	if (fp->f_flags & O_PATH)
		error = EBADF;
	else if (mode == O_WRONLY ||
		 ((flags & MAP_TYPE) != MAP_PRIVATE && prot & PROT_WRITE && mode != O_RDWR))
		error = EACCES;
	else if (!fp->f_ops->fo_mmap)
		error = ENODEV;
	else
		error = fp->f_ops->fo_mmap(fp, off, len, prot, flags, objp);
	fd_putfile(fp);
	return error;
}

static int map(uintptr_t *va, size_t len, int prot, int flags, int fd, off_t offset)
{
	int type = flags & MAP_TYPE, error;
	struct vm_object *obj = NULL;

	if (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE)
		return EINVAL;
	if (len == 0 || offset & (off_t)PAGE_MASK || offset < 0)
		return EINVAL;
	if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN | PROT_GROWSUP))
		return EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		error = file_object(fd, offset, len, prot, flags, &obj);
		if (error)
			return error;
	}
	error = vm_map_enter(va, len, prot, flags, obj, offset);
	if (error && obj)
		obj->vo_ops->vo_rele(obj);
	return error;
}

long do_sys_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	uintptr_t va = (uintptr_t)addr;
	int error = map(&va, len, prot, flags, fd, offset);

	/* As far as it goes: what can't be had now may be had at the fault. */
	if (!error && flags & (MAP_POPULATE | MAP_LOCKED))
		(void)vm_map_populate(va, round_page(len));
	return sysret(error, va);
}

long do_sys_munmap(void *addr, size_t len)
{
	return sysret(vm_map_remove((uintptr_t)addr, len), 0);
}

long do_sys_mprotect(void *addr, size_t len, int prot)
{
	return sysret(
	    vm_map_protect((uintptr_t)addr, len, prot & ~(PROT_GROWSDOWN | PROT_GROWSUP)), 0);
}

long do_sys_mremap(void *addr, size_t oldlen, size_t newlen, int flags, void *newaddr)
{
	uintptr_t va = (uintptr_t)addr;
	int error;

	if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED) ||
	    (flags & MREMAP_FIXED && !(flags & MREMAP_MAYMOVE)))
		return sysret(EINVAL, 0);
	error = vm_map_move(
	    &va, oldlen, newlen, flags & MREMAP_MAYMOVE, flags & MREMAP_FIXED, (uintptr_t)newaddr);
	if (!error && flags & MREMAP_FIXED)
		va = (uintptr_t)newaddr;
	return sysret(error, va);
}

static int range_check(uintptr_t va, size_t len)
{
	if (va & PAGE_MASK || len > SIZE_MAX - PAGE_SIZE || va + round_page(len) < va)
		return EINVAL;
	return 0;
}

long do_sys_madvise(void *addr, size_t len, int advice)
{
	uintptr_t va = (uintptr_t)addr;
	int error = range_check(va, len);

	if (error || len == 0)
		return sysret(error, 0);
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_FREE:
		return sysret(vm_map_discard(va, len), 0);
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
		return sysret(vm_map_check(va, len, NULL) ? 0 : ENOMEM, 0);
	}
	return sysret(EINVAL, 0);
}

long do_sys_mincore(void *addr, size_t len, unsigned char *vec)
{
	uintptr_t va = (uintptr_t)addr;
	unsigned char chunk[64];
	int error = range_check(va, len);

	for (size_t off = 0, n; !error && off < round_page(len); off += n << PAGE_SHIFT) {
		n = KMIN(sizeof(chunk), (round_page(len) - off) >> PAGE_SHIFT);
		error = vm_map_check(va + off, n << PAGE_SHIFT, chunk)
			    ? copyout(chunk, vec + (off >> PAGE_SHIFT), n)
			    : ENOMEM;
	}
	return sysret(error, 0);
}

long do_sys_msync(void *addr, size_t len, int flags)
{
	int error = range_check((uintptr_t)addr, len);

	if (flags & ~(MS_ASYNC | MS_SYNC | MS_INVALIDATE) || (flags & MS_ASYNC && flags & MS_SYNC))
		error = EINVAL;
	/* Mappings and files share their pages: there is nothing to write back to. */
	if (!error && !vm_map_check((uintptr_t)addr, len, NULL))
		error = ENOMEM;
	if (!error && flags & MS_INVALIDATE && vm_map_wired((uintptr_t)addr, len))
		error = EBUSY;
	return sysret(error, 0);
}

static int lock_range(const void *addr, size_t len, bool populate)
{
	uintptr_t va = trunc_page(addr);
	int error;

	len += (uintptr_t)addr & PAGE_MASK;
	if (len < ((uintptr_t)addr & PAGE_MASK) || range_check(va, len))
		return EINVAL;
	error = vm_map_wire(va, round_page(len), true);
	return error || !populate ? error : vm_map_populate(va, round_page(len));
}

long do_sys_mlock(const void *addr, size_t len)
{
	return sysret(lock_range(addr, len, true), 0);
}

long do_sys_mlock2(const void *addr, size_t len, unsigned flags)
{
	return sysret(flags & ~1U /* MLOCK_ONFAULT */ ? EINVAL : lock_range(addr, len, !flags), 0);
}

long do_sys_munlock(const void *addr, size_t len)
{
	uintptr_t va = trunc_page(addr);

	len += (uintptr_t)addr & PAGE_MASK;
	if (len < ((uintptr_t)addr & PAGE_MASK) || range_check(va, len))
		return sysret(EINVAL, 0);
	return sysret(vm_map_wire(va, round_page(len), false), 0);
}

/* What is mapped is not brought in: that would fill every thread's stack. */
long do_sys_mlockall(int flags)
{
	if (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == 0 || flags == MCL_ONFAULT)
		return sysret(EINVAL, 0);
	vm_map_wire_all(flags & MCL_CURRENT, flags & MCL_FUTURE);
	return 0;
}

long do_sys_munlockall(void)
{
	vm_map_wire_all(false, false);
	return 0;
}
