/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The descriptor table.
 *
 * Two levels: a fixed directory of chunks, allocated as descriptors grow and never freed or
 * moved, so that a lookup needs no lock.  A lookup takes a reference only if
 * the slot still holds the file afterwards; struct files are type-stable (their
 * pool's memory stays struct files), so touching the count of one that was
 * just freed is harmless: a count of zero is never raised.
 *
 * Each process has a table.  fd_lock guards the bitmaps of free descriptors and all changes of
 * slots, of all tables.
 */
#include <fcntl.h>
#include <kern/component.h>
#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/proc.h>
#include "desc_impl.h"

#define CHUNK	64
#define NCHUNKS (FD_MAX / CHUNK)
#define DIR	256 /* chunks per directory page */

/* A slot: the file, with the lowest bit for close-on-exec.  Used, but without a file: prepared. */
#define SLOT_CLOEXEC 1UL

struct chunk {
	volatile uintptr_t slot[CHUNK];
};
struct directory {
	struct chunk *volatile chunk[DIR];
	uint64_t used[DIR]; /* bitmap of each chunk's slots; fd_lock */
};

volatile int fd_limit = FD_LIMIT;
struct fdtable {
	int lowest; /* no descriptor below it is free; fd_lock */
	struct directory *volatile directory[NCHUNKS / DIR];
};
static kmutex_t fd_lock;
static struct fdtable fdtable0;

static struct fdtable *table(void)
{
	return curproc->p_fd;
}

static volatile uintptr_t *slot_of(int fd)
{
	struct directory *d;
	struct chunk *c;

	if ((unsigned)fd >= FD_MAX)
		return NULL;
	d = __atomic_load_n(&table()->directory[fd / (CHUNK * DIR)], __ATOMIC_ACQUIRE);
	if (!d)
		return NULL;
	c = __atomic_load_n(&d->chunk[fd / CHUNK % DIR], __ATOMIC_ACQUIRE);
	return c ? &c->slot[fd % CHUNK] : NULL;
}

static struct file *slot_file(uintptr_t value)
{
	return (struct file *)(value & ~SLOT_CLOEXEC);
}

int fd_getfile(int fd, struct file **fpp)
{
	volatile uintptr_t *slot = slot_of(fd);

	while (slot) {
		struct file *fp = slot_file(__atomic_load_n(slot, __ATOMIC_ACQUIRE));
		if (!fp)
			break;
		if (!file_tryref(fp))
			continue; /* closed this moment: the slot says so next time */
		if (slot_file(__atomic_load_n(slot, __ATOMIC_ACQUIRE)) == fp) {
			*fpp = fp;
			return 0;
		}
		file_rele(fp);
	}
	return EBADF;
}

int fd_gettype(int fd, enum file_type type, int error, struct file **fpp)
{
	int e = fd_getfile(fd, fpp);

	if (e)
		return e;
	if ((*fpp)->f_type == type)
		return 0;
	fd_putfile(*fpp);
	return error;
}

/* fd_lock held: the slot exists afterwards. */
static int make_slot(int fd)
{
	struct directory *volatile *dp = &table()->directory[fd / (CHUNK * DIR)];
	struct chunk *c;

	if (!*dp) {
		struct directory *d = kmem_zalloc(sizeof(*d));
		if (!d)
			return ENOMEM;
		__atomic_store_n(dp, d, __ATOMIC_RELEASE);
	}
	if (!(*dp)->chunk[fd / CHUNK % DIR]) {
		c = kmem_zalloc(sizeof(*c));
		if (!c)
			return ENOMEM;
		__atomic_store_n(&(*dp)->chunk[fd / CHUNK % DIR], c, __ATOMIC_RELEASE);
	}
	return 0;
}

static uint64_t *used_bits(int fd)
{
	struct directory *d = table()->directory[fd / (CHUNK * DIR)];

	return d ? &d->used[fd / CHUNK % DIR] : NULL;
}

/* Lowest free descriptor >= min; fd_lock held. */
static int find_free(int min)
{
	for (int base = min / CHUNK * CHUNK; base < FD_MAX; base += CHUNK) {
		uint64_t *used = used_bits(base), free = used ? ~*used : ~0ULL;
		if (base < min)
			free &= ~0ULL << (min - base);
		if (free)
			return base + __builtin_ctzll(free);
	}
	return FD_MAX;
}

static void set_slot(int fd, struct file *fp, bool cloexec)
{
	*used_bits(fd) |= 1ULL << fd % CHUNK;
	__atomic_store_n(
	    slot_of(fd), (uintptr_t)fp | (cloexec ? SLOT_CLOEXEC : 0), __ATOMIC_RELEASE);
}

int fd_alloc(struct file *fp, int min, bool cloexec, int *fdp)
{
	struct fdtable *t = table();
	int fd, error;

	if (min < 0 || min >= fd_limit)
		return EINVAL;
	mutex_enter(&fd_lock);
	fd = find_free(KMAX(min, t->lowest));
	if (fd >= fd_limit) {
		error = EMFILE;
	} else {
		error = make_slot(fd);
		if (!error) {
			set_slot(fd, fp, cloexec);
			if (min <= t->lowest)
				t->lowest = fd + 1;
		}
	}
	mutex_exit(&fd_lock);
	*fdp = fd;
	return error;
}

int fd_install_at(struct file *fp, int fd, bool cloexec)
{
	struct file *old = NULL;
	int error;

	if (fd < 0 || fd >= fd_limit)
		return EBADF;
	mutex_enter(&fd_lock);
	error = make_slot(fd);
	if (!error) {
		old = slot_file(*slot_of(fd));
		if (!old && *used_bits(fd) & 1ULL << fd % CHUNK)
			error = EBUSY; /* as Linux: another thread is about to use it */
	}
	if (!error)
		set_slot(fd, fp, cloexec);
	mutex_exit(&fd_lock);
	if (old)
		file_rele(old);
	return error;
}

/* fd_lock held; fd is in use. */
static void clear_slot(int fd)
{
	struct fdtable *t = table();

	__atomic_store_n(slot_of(fd), 0, __ATOMIC_RELEASE);
	*used_bits(fd) &= ~(1ULL << fd % CHUNK);
	t->lowest = KMIN(t->lowest, fd);
}

int fd_close(int fd)
{
	volatile uintptr_t *slot = slot_of(fd);
	struct file *fp;

	mutex_enter(&fd_lock);
	fp = slot ? slot_file(*slot) : NULL;
	if (fp)
		clear_slot(fd);
	mutex_exit(&fd_lock);
	if (!fp)
		return EBADF;
	file_rele(fp);
	return 0;
}

void fd_close_range(unsigned first, unsigned last, bool cloexec_only)
{
	for (unsigned fd = first; fd <= last && fd < FD_MAX; fd++) {
		uint64_t *used = used_bits(fd);
		if (!used || !*used) {
			fd |= CHUNK - 1;
			continue;
		}
		if (cloexec_only)
			(void)fd_set_cloexec((int)fd, true);
		else
			(void)fd_close((int)fd);
	}
}

bool fd_get_cloexec(int fd)
{
	volatile uintptr_t *slot = slot_of(fd);

	return slot && *slot & SLOT_CLOEXEC;
}

int fd_set_cloexec(int fd, bool on)
{
	struct file *fp;
	int error = EBADF;

	mutex_enter(&fd_lock);
	fp = slot_of(fd) ? slot_file(*slot_of(fd)) : NULL;
	if (fp) {
		set_slot(fd, fp, on);
		error = 0;
	}
	mutex_exit(&fd_lock);
	return error;
}

int fd_open(const struct fileops *ops, enum file_type type, int flags, void *data, int *fdp)
{
	struct file *fp;
	int error = file_alloc(ops, type, flags & ~O_CLOEXEC, data, &fp);

	if (error)
		return error;
	error = fd_alloc(fp, 0, flags & O_CLOEXEC, fdp);
	if (error)
		file_forget(fp);
	return error;
}

int fd_prepare(
    const struct fileops *ops, enum file_type type, int flags, struct file **fpp, int *fdp)
{
	int error = file_alloc(ops, type, flags & ~O_CLOEXEC, NULL, fpp);

	if (error)
		return error;
	error = fd_alloc(NULL, 0, flags & O_CLOEXEC, fdp);
	if (error)
		file_forget(*fpp);
	return error;
}

void fd_commit(int fd, struct file *fp, void *data)
{
	fp->f_data = data;
	mutex_enter(&fd_lock);
	set_slot(fd, fp, *slot_of(fd) & SLOT_CLOEXEC);
	mutex_exit(&fd_lock);
}

void fd_cancel(int fd, struct file *fp)
{
	mutex_enter(&fd_lock);
	clear_slot(fd);
	mutex_exit(&fd_lock);
	file_forget(fp);
}

/* ---- processes come and go: kern/exec */

/* fd_lock held. */
static int copy_directory(const struct directory *from, struct directory *to)
{
	for (int c = 0; c < DIR; c++) {
		const struct chunk *old = from->chunk[c];
		struct chunk *new;

		if (!old || !from->used[c])
			continue;
		to->chunk[c] = new = kmem_zalloc(sizeof(*new));
		if (!new)
			return ENOMEM;
		for (int i = 0; i < CHUNK; i++) {
			uintptr_t value = old->slot[i]; /* those being made have no file */
			if (!slot_file(value))
				continue;
			file_ref(slot_file(value));
			new->slot[i] = value;
			to->used[c] |= 1ULL << i;
		}
	}
	return 0;
}

int fd_proc_fork(struct proc *new)
{
	struct fdtable *from = table(), *t = kmem_zalloc(sizeof(*t));
	int error = 0;

	if (!t)
		return ENOMEM;
	new->p_fd = t;
	mutex_enter(&fd_lock);
	for (int d = 0; d < NCHUNKS / DIR && !error; d++) {
		if (!from->directory[d])
			continue;
		t->directory[d] = kmem_zalloc(sizeof(struct directory));
		error =
		    t->directory[d] ? copy_directory(from->directory[d], t->directory[d]) : ENOMEM;
	}
	mutex_exit(&fd_lock);
	if (error)
		fd_proc_exit(new);
	return error;
}

static void free_chunk(struct chunk *c)
{
	for (int i = 0; i < CHUNK; i++)
		if (slot_file(c->slot[i]))
			file_rele(slot_file(c->slot[i]));
	kmem_free(c, sizeof(*c));
}

/* Nobody looks descriptors up any more. */
void fd_proc_exit(struct proc *p)
{
	struct fdtable *t = p->p_fd;

	p->p_fd = NULL;
	for (int d = 0; d < NCHUNKS / DIR; d++) {
		struct directory *dir = t->directory[d];

		if (!dir)
			continue;
		for (int c = 0; c < DIR; c++)
			if (dir->chunk[c])
				free_chunk(dir->chunk[c]);
		kmem_free(dir, sizeof(*dir));
	}
	kmem_free(t, sizeof(*t));
}

void fd_proc_exec(void)
{
	for (int fd = 0; fd < FD_MAX; fd++) {
		uint64_t *used = used_bits(fd);

		if (!used || !*used)
			fd |= CHUNK - 1;
		else if (fd_get_cloexec(fd))
			(void)fd_close(fd);
	}
}

static int desc_init(void)
{
	mutex_init(&fd_lock, MUTEX_DEFAULT);
	proc_first.p_fd = &fdtable0;
	return 0;
}
RUMP_COMPONENT(desc, RUMP_PHASE_KERN, desc_init);
