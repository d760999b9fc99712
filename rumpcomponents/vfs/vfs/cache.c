/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The name cache: (directory, name) to vnode, or to the knowledge that there is none.
 *
 * Entries hold no references: a vnode that goes takes its entries along
 * (cache_purge_vnode), and one that is on its way out cannot be revived
 * (vtryref).  What an entry says is changed only by who holds the directory's lock, so
 * a lookup that hits needs no lock but this cache's, for a few instructions.
 */
#include <kern/kmem.h>
#include "vfs_impl.h"

#define BUCKETS	 128 /* a power of two */
#define ENTRIES	 512
#define NAME_LEN 40 /* longer names are not kept */

struct namecache {
	LIST_ENTRY(namecache) nc_hash;
	LIST_ENTRY(namecache) nc_child; /* nc_dvp's v_children */
	LIST_ENTRY(namecache) nc_name;	/* nc_vp's v_names */
	TAILQ_ENTRY(namecache) nc_age;
	struct vnode *nc_dvp, *nc_vp;
	uint32_t nc_hashval;
	uint16_t nc_len;
	bool nc_used; /* since it last came up for eviction */
	char nc_str[NAME_LEN];
};

static kmutex_t cache_lock; /* spin */
static LIST_HEAD(, namecache) buckets[BUCKETS];
static TAILQ_HEAD(, namecache) by_age = TAILQ_HEAD_INITIALIZER(by_age);
static unsigned count;
static POOL_DEFINE(cache_pool, sizeof(struct namecache), "namecache");

void cache_init(void)
{
	mutex_init(&cache_lock, MUTEX_SPIN);
}

/* FNV-1a, the directory's address mixed in. */
static uint32_t hash(const struct vnode *dvp, const struct name *name)
{
	uint32_t h = 2166136261U ^ (uint32_t)((uintptr_t)dvp >> 6);

	for (unsigned i = 0; i < name->n_len; i++)
		h = (h ^ (uint8_t)name->n_str[i]) * 16777619U;
	return h ^ h >> 15;
}

static struct namecache *find(const struct vnode *dvp, const struct name *name, uint32_t h)
{
	struct namecache *nc;

	LIST_FOREACH (nc, &buckets[h % BUCKETS], nc_hash)
		if (nc->nc_hashval == h && nc->nc_dvp == dvp && nc->nc_len == name->n_len &&
		    memcmp(nc->nc_str, name->n_str, name->n_len) == 0)
			return nc;
	return NULL;
}

static void remove_entry(struct namecache *nc)
{
	LIST_REMOVE(nc, nc_hash);
	LIST_REMOVE(nc, nc_child);
	if (nc->nc_vp)
		LIST_REMOVE(nc, nc_name);
	TAILQ_REMOVE(&by_age, nc, nc_age);
	count--;
	pool_put(&cache_pool, nc);
}

int cache_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	uint32_t h = hash(dvp, name);
	struct namecache *nc;
	int error = EAGAIN;

	mutex_enter(&cache_lock);
	nc = find(dvp, name, h);
	if (nc) {
		nc->nc_used = true;
		*vpp = nc->nc_vp;
		error = !nc->nc_vp ? ENOENT : vtryref(nc->nc_vp) ? 0 : EAGAIN;
	}
	mutex_exit(&cache_lock);
	return error;
}

/* Make room: the oldest that was not used since we last looked. */
static void evict(void)
{
	struct namecache *nc;

	while ((nc = TAILQ_FIRST(&by_age))->nc_used) {
		nc->nc_used = false;
		TAILQ_REMOVE(&by_age, nc, nc_age);
		TAILQ_INSERT_TAIL(&by_age, nc, nc_age);
	}
	remove_entry(nc);
}

void cache_enter(struct vnode *dvp, const struct name *name, struct vnode *vp)
{
	uint32_t h = hash(dvp, name);
	struct namecache *nc, *old;

	if (name->n_len > NAME_LEN || dvp->v_mount->mnt_nocache)
		return;
	nc = pool_zget(&cache_pool);
	if (!nc) { /* what it says of the name so far may be no longer so */
		cache_purge(dvp, name);
		return;
	}
	nc->nc_dvp = dvp;
	nc->nc_vp = vp;
	nc->nc_hashval = h;
	nc->nc_len = (uint16_t)name->n_len;
	memcpy(nc->nc_str, name->n_str, name->n_len);
	dvp->v_cached = true;
	if (vp)
		vp->v_cached = true;
	mutex_enter(&cache_lock);
	old = find(dvp, name, h);
	if (old)
		remove_entry(old);
	else if (count == ENTRIES)
		evict();
	LIST_INSERT_HEAD(&buckets[h % BUCKETS], nc, nc_hash);
	LIST_INSERT_HEAD(&dvp->v_children, nc, nc_child);
	if (vp)
		LIST_INSERT_HEAD(&vp->v_names, nc, nc_name);
	TAILQ_INSERT_TAIL(&by_age, nc, nc_age);
	count++;
	mutex_exit(&cache_lock);
}

void cache_purge(struct vnode *dvp, const struct name *name)
{
	struct namecache *nc;

	mutex_enter(&cache_lock);
	nc = find(dvp, name, hash(dvp, name));
	if (nc)
		remove_entry(nc);
	mutex_exit(&cache_lock);
}

void cache_purge_vnode(struct vnode *vp)
{
	struct namecache *nc;

	mutex_enter(&cache_lock);
	while ((nc = LIST_FIRST(&vp->v_names)) != NULL)
		remove_entry(nc);
	while ((nc = LIST_FIRST(&vp->v_children)) != NULL)
		remove_entry(nc);
	mutex_exit(&cache_lock);
}

int cache_name(struct vnode *vp, struct vnode **dvpp, char *buf, size_t *at)
{
	struct namecache *nc;
	int error = ENOENT;

	mutex_enter(&cache_lock);
	LIST_FOREACH (nc, &vp->v_names, nc_name) {
		if (!vtryref(nc->nc_dvp))
			continue;
		*dvpp = nc->nc_dvp;
		*at -= nc->nc_len;
		memcpy(buf + *at, nc->nc_str, nc->nc_len);
		buf[--*at] = '/';
		error = 0;
		break;
	}
	mutex_exit(&cache_lock);
	return error;
}
