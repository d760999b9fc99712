/* SPDX-License-Identifier: BSD-2-Clause */
/* Open files: allocation and references. */
#include <kern/spin.h>
#include <kern/kmem.h>
#include "desc_impl.h"

/*
 * Freed files stay files: fd_getfile() may look at the count of one that has
 * just been freed.  So they are kept on a list of their own, not in a pool.
 */
static struct file *free_files; /* through f_data */
static volatile uint32_t free_lock;

static POOL_DEFINE(file_pool, sizeof(struct file), "file");

void (*file_epoll_gone)(struct file *fp);

int file_alloc(
    const struct fileops *ops, enum file_type type, int flags, void *data, struct file **fpp)
{
	struct file *fp;

	spin_lock(&free_lock);
	fp = free_files;
	if (fp)
		free_files = fp->f_data;
	spin_unlock(&free_lock);
	if (!fp) {
		fp = pool_zget(&file_pool);
		if (!fp)
			return ENFILE;
		mutex_init(&fp->f_lock, MUTEX_DEFAULT);
	}
	fp->f_ops = ops;
	fp->f_data = data;
	fp->f_type = type;
	fp->f_flags = flags;
	fp->f_offset = 0;
	fp->f_epoll = NULL;
	__atomic_store_n(&fp->f_count, 1, __ATOMIC_RELEASE);
	*fpp = fp;
	return 0;
}

static void file_free(struct file *fp)
{
	spin_lock(&free_lock);
	fp->f_data = free_files;
	free_files = fp;
	spin_unlock(&free_lock);
}

void file_forget(struct file *fp)
{
	__atomic_store_n(&fp->f_count, 0, __ATOMIC_RELEASE);
	file_free(fp);
}

void file_ref(struct file *fp)
{
	__atomic_add_fetch(&fp->f_count, 1, __ATOMIC_RELAXED);
}

bool file_tryref(struct file *fp)
{
	uint32_t n = __atomic_load_n(&fp->f_count, __ATOMIC_RELAXED);

	while (n != 0)
		if (__atomic_compare_exchange_n(
			&fp->f_count, &n, n + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

void file_rele(struct file *fp)
{
	if (__atomic_sub_fetch(&fp->f_count, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (fp->f_epoll && file_epoll_gone)
		file_epoll_gone(fp);
	if (fp->f_ops->fo_close)
		fp->f_ops->fo_close(fp);
	file_free(fp);
}
