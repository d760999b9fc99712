/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V shared memory (shmop(2)): a segment is a file without a name, and attaching it maps the
 * file.
 *
 * Attachments are remembered by address for shmdt(2).  One that the program undoes with munmap(2)
 * counts as attached until shmdt(2), which then unmaps nothing and says EINVAL.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/shm.h>
#include <kern/component.h>
#include <kern/file.h>
#include <kern/ipcvar.h>
#include <kern/kmem.h>
#include <kern/sysproto.h>
#include <kern/systm.h>
#include <kern/vm_map.h>
#include <vfs/vfs_kern.h>

struct attachment {
	LIST_ENTRY(attachment) a_list;
	uintptr_t a_va;
	size_t a_len;
	const struct vm_object *a_obj; /* what is mapped there, unless somebody unmapped it */
	struct segment *a_segment;     /* a reference to its ipc_object */
};

/* All that changes is under shms.ii_lock. */
struct segment {
	struct ipc_object s_ipc; /* first */
	struct file *s_file;
	size_t s_size; /* as the program said; the file is whole pages */
	bool s_removed;
	unsigned long s_nattach;
	time_t s_atime, s_dtime, s_ctime;
};

static void segment_free(struct ipc_object *io)
{
	struct segment *s = (struct segment *)io;

	file_rele(s->s_file);
	kmem_free(s, sizeof(*s));
}

static struct ipc_ids shms = {.ii_free = segment_free};
static LIST_HEAD(, attachment) attachments = LIST_HEAD_INITIALIZER(attachments);

static int shm_init(void)
{
	mutex_init(&shms.ii_lock, MUTEX_DEFAULT);
	return 0;
}
RUMP_COMPONENT(shm, RUMP_PHASE_KERN, shm_init);

static int make(size_t size, struct ipc_object **iop)
{
	struct segment *s;
	int error;

	if (size == 0 || size > INT64_MAX - PAGE_SIZE)
		return EINVAL;
	s = kmem_zalloc(sizeof(*s));
	if (!s)
		return ENOMEM;
	error = vfs_tmpfile(&s->s_file);
	if (!error)
		error = s->s_file->f_ops->fo_truncate(s->s_file, (int64_t)round_page(size));
	if (error) {
		if (s->s_file)
			file_rele(s->s_file);
		kmem_free(s, sizeof(*s));
		return error == ENOSPC || error == EFBIG ? ENOMEM : error;
	}
	s->s_size = size;
	s->s_ctime = ipc_time();
	*iop = &s->s_ipc;
	return 0;
}

static int check(const struct ipc_object *io, size_t size)
{
	return size > ((const struct segment *)io)->s_size ? EINVAL : 0;
}

long do_sys_shmget(key_t key, size_t size, int flags)
{
	const struct ipc_request ir = {key, flags, size, make, check};
	int id = 0, error = ipc_get(&shms, &ir, &id);

	return sysret(error, id);
}

/* Enter the mapping of s at *va, or where there is room. */
static int map(struct segment *s, uintptr_t *va, int flags, const struct vm_object **objp)
{
	int prot =
	    PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0);
	int how = MAP_SHARED;
	struct vm_object *obj;
	int error;

	if (*va != 0 && *va & PAGE_MASK) {
		if (!(flags & SHM_RND))
			return EINVAL;
		*va = trunc_page(*va);
	}
	if (*va == 0 && flags & SHM_REMAP)
		return EINVAL;
	if (*va != 0)
		how |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	error = s->s_file->f_ops->fo_mmap(s->s_file, 0, round_page(s->s_size), prot, how, &obj);
	if (error)
		return error;
	error = vm_map_enter(va, round_page(s->s_size), prot, how, obj, 0);
	if (error)
		obj->vo_ops->vo_rele(obj);
	*objp = obj;
	return error == EEXIST ? EINVAL : error;
}

long do_sys_shmat(int id, const void *addr, int flags)
{
	struct attachment *a = kmem_zalloc(sizeof(*a));
	uintptr_t va = (uintptr_t)addr;
	const struct vm_object *obj;
	struct ipc_object *io;
	struct segment *s;
	int error = a ? ipc_lookup(&shms, id, &io) : ENOMEM;

	if (error) {
		if (a)
			kmem_free(a, sizeof(*a));
		return sysret(error, 0);
	}
	s = (struct segment *)io;
	error = map(s, &va, flags, &obj);
	if (error) {
		kmem_free(a, sizeof(*a));
		ipc_rele(&shms, io);
		return sysret(error, 0);
	}
	*a = (struct attachment){
	    .a_va = va, .a_len = round_page(s->s_size), .a_obj = obj, .a_segment = s};
	mutex_enter(&shms.ii_lock);
	LIST_INSERT_HEAD(&attachments, a, a_list);
	s->s_nattach++;
	s->s_atime = ipc_time();
	mutex_exit(&shms.ii_lock);
	return (long)va;
}

long do_sys_shmdt(const void *addr)
{
	struct attachment *a;
	bool last = false, there;

	mutex_enter(&shms.ii_lock);
	LIST_FOREACH (a, &attachments, a_list)
		if (a->a_va == (uintptr_t)addr)
			break;
	if (a) {
		LIST_REMOVE(a, a_list);
		last = --a->a_segment->s_nattach == 0 && a->a_segment->s_removed;
		a->a_segment->s_dtime = ipc_time();
	}
	mutex_exit(&shms.ii_lock);
	if (!a)
		return sysret(EINVAL, 0);
	there = vm_map_shows(a->a_va, a->a_len, a->a_obj);
	if (there)
		(void)vm_map_remove(a->a_va, a->a_len);
	if (last)
		(void)ipc_remove(&shms, &a->a_segment->s_ipc);
	ipc_rele(&shms, &a->a_segment->s_ipc);
	kmem_free(a, sizeof(*a));
	return sysret(there ? 0 : EINVAL, 0);
}

static int shm_stat(struct segment *s, struct shmid_ds *uds)
{
	struct shmid_ds ds = {0};

	mutex_enter(&shms.ii_lock);
	ipc_stat(&s->s_ipc, &ds.shm_perm);
	if (s->s_removed)
		ds.shm_perm.mode |= SHM_DEST;
	ds.shm_segsz = s->s_size;
	ds.shm_atime = s->s_atime;
	ds.shm_dtime = s->s_dtime;
	ds.shm_ctime = s->s_ctime;
	ds.shm_cpid = ds.shm_lpid = 1;
	ds.shm_nattch = s->s_nattach;
	mutex_exit(&shms.ii_lock);
	return copyout(&ds, uds, sizeof(ds));
}

static int shm_set(struct segment *s, const struct shmid_ds *uds)
{
	struct shmid_ds ds;
	int error = copyin(uds, &ds, sizeof(ds));

	if (error)
		return error;
	mutex_enter(&shms.ii_lock);
	ipc_set(&s->s_ipc, &ds.shm_perm);
	s->s_ctime = ipc_time();
	mutex_exit(&shms.ii_lock);
	return 0;
}

/* While it is attached only its key goes, so that nobody new finds it; the rest at the last detach.
 */
static void segment_remove(struct segment *s)
{
	bool attached;

	mutex_enter(&shms.ii_lock);
	attached = s->s_nattach > 0;
	s->s_removed = true;
	s->s_ipc.io_key = IPC_PRIVATE;
	mutex_exit(&shms.ii_lock);
	if (!attached)
		(void)ipc_remove(&shms, &s->s_ipc);
}

long do_sys_shmctl(int id, int cmd, struct shmid_ds *uds)
{
	struct ipc_object *io;
	struct segment *s;
	int error = ipc_lookup(&shms, id, &io);

	if (error)
		return sysret(error, 0);
	s = (struct segment *)io;
	switch (cmd & IPC_CMD) {
	case IPC_RMID:
		segment_remove(s);
		break;
	case IPC_STAT:
		error = shm_stat(s, uds);
		break;
	case IPC_SET:
		error = shm_set(s, uds);
		break;
	case SHM_LOCK: /* memory is never paged out */
	case SHM_UNLOCK:
		break;
	default:
		error = EINVAL;
	}
	ipc_rele(&shms, io);
	return sysret(error, 0);
}
