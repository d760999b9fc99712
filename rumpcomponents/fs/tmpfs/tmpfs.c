/* SPDX-License-Identifier: BSD-2-Clause */
/* tmpfs as the root. */
#include "tmpfs_impl.h"

volatile uint64_t tmpfs_used, tmpfs_bytes;
uint64_t tmpfs_limit;

uint64_t tmpfs_left(void)
{
	uint64_t used = tmpfs_used + (tmpfs_bytes >> PAGE_SHIFT);

	return tmpfs_limit - KMIN(used, tmpfs_limit);
}

bool tmpfs_charge(size_t bytes, enum tmpfs_need need)
{
	if (need == TMPFS_MAY && tmpfs_left() == 0)
		return false;
	__atomic_add_fetch(&tmpfs_bytes, bytes, __ATOMIC_RELAXED);
	return true;
}

void tmpfs_uncharge(size_t bytes)
{
	__atomic_sub_fetch(&tmpfs_bytes, bytes, __ATOMIC_RELAXED);
}

void *tmpfs_alloc(size_t bytes, enum tmpfs_need need)
{
	void *p;

	if (!tmpfs_charge(bytes, need))
		return NULL;
	p = kmem_zalloc(bytes);
	if (!p)
		tmpfs_uncharge(bytes);
	return p;
}

void tmpfs_free(void *p, size_t bytes)
{
	kmem_free(p, bytes);
	tmpfs_uncharge(bytes);
}

static int tmpfs_statfs(struct mount *mp, struct statfs *sf)
{
	sf->f_type = 0x01021994; /* TMPFS_MAGIC */
	sf->f_blocks = tmpfs_limit;
	sf->f_bfree = sf->f_bavail = tmpfs_left();
	sf->f_files = sf->f_ffree = sf->f_bfree;
	return 0;
}

struct mount tmpfs_mount = {.mnt_statfs = tmpfs_statfs};

kmutex_t tmpfs_lower_lock;

static int tmpfs_start(void)
{
	struct kmem_stats ks;
	struct tmpfs_node *root;

	mutex_init(&tmpfs_lower_lock, MUTEX_DEFAULT);
	kmem_stats(&ks);
	tmpfs_limit = ks.ks_pages_total / 2;
	if (vfs_lower_root)
		vref(vfs_lower_root);
	root = vfs_lower_root ? tmpfs_node_over(vfs_lower_root)
			      : tmpfs_node_alloc(S_IFDIR | 0755, 0, NULL);
	if (!root)
		return ENOMEM;
	root->tn_parent = root;
	tmpfs_mount.mnt_root = &root->tn_vnode;
	return vfs_mount(&tmpfs_mount, NULL);
}
VFS_FILESYSTEM(tmpfs, VFS_STAGE_ROOT, tmpfs_start);
