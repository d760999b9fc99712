/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc and /sys.  The entries are a link set of absolute paths; a directory is whatever is in
 * front of a slash in one of them.  Names stay out of the name cache, and a vnode is made at each
 * lookup: what nobody looks at costs no memory.
 */
#include <fcntl.h>
#include <kern/kmem.h>
#include <vfs/mount.h>
#include <vfs/namei.h>
#include <vfs/vfs_kern.h>
#include <vfs/vnode.h>
#include "procfs_impl.h"

LINK_SET_DECLARE(procfs_entries, const struct procfs_entry);

struct procnode {
	struct vnode pn_vnode;
	const char *pn_path; /* its path is the first pn_len bytes: some entry's */
	unsigned pn_len;
	const struct procfs_entry *pn_entry; /* NULL: a directory */
};

static POOL_DEFINE(procnode_pool, sizeof(struct procnode), "procnode");
static const struct vnodeops dir_ops, entry_ops;

static struct {
	const char *path;
	struct mount mount;
	struct procnode root;
} trees[] = {{.path = "/proc"}, {.path = "/sys"}};

static struct procnode *VTOP(struct vnode *vp)
{
	return container_of(vp, struct procnode, pn_vnode);
}

/* The rest of the entry's path below the directory d; NULL if it is not below it. */
static const char *below(const struct procnode *d, const struct procfs_entry *pe)
{
	if (strncmp(pe->pe_path, d->pn_path, d->pn_len) != 0 || pe->pe_path[d->pn_len] != '/')
		return NULL;
	return pe->pe_path + d->pn_len + 1;
}

/* Bytes up to the end or the next slash. */
static unsigned component_len(const char *s)
{
	unsigned n = 0;

	while (s[n] != '\0' && s[n] != '/')
		n++;
	return n;
}

static int node_make(const struct procnode *d, const char *path, unsigned len,
    const struct procfs_entry *pe, struct vnode **vpp)
{
	struct procnode *pn = pool_zget(&procnode_pool);

	if (!pn)
		return ENOMEM;
	vnode_init(&pn->pn_vnode, pe ? &entry_ops : &dir_ops, d->pn_vnode.v_mount,
	    pe ? pe->pe_kind : S_IFDIR);
	pn->pn_path = path;
	pn->pn_len = len;
	pn->pn_entry = pe;
	*vpp = &pn->pn_vnode;
	return 0;
}

static int parent(const struct procnode *d, struct vnode **vpp)
{
	struct vnode *root = d->pn_vnode.v_mount->mnt_root;
	unsigned len = d->pn_len;

	while (d->pn_path[--len] != '/')
		continue;
	if (len == VTOP(root)->pn_len) {
		vref(root);
		*vpp = root;
		return 0;
	}
	return node_make(d, d->pn_path, len, NULL, vpp);
}

static int lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	const struct procfs_entry *const *pe;
	struct procnode *d = VTOP(dvp);

	if (name->n_len == 2 && memcmp(name->n_str, "..", 2) == 0)
		return parent(d, vpp);
	LINK_SET_FOREACH (pe, procfs_entries) {
		const char *rest = below(d, *pe);
		unsigned len = rest ? component_len(rest) : 0;

		if (len == 0 || len != name->n_len || memcmp(rest, name->n_str, len) != 0)
			continue;
		return node_make(
		    d, (*pe)->pe_path, d->pn_len + 1 + len, rest[len] == '/' ? NULL : *pe, vpp);
	}
	return ENOENT;
}

/* Did an entry before `end` have the same first component below d? */
static bool seen(const struct procnode *d, const struct procfs_entry *const *end, const char *rest)
{
	const struct procfs_entry *const *pe;
	unsigned len = component_len(rest);

	LINK_SET_FOREACH (pe, procfs_entries) {
		const char *other = below(d, *pe);

		if (pe == end)
			return false;
		if (other && component_len(other) == len && memcmp(other, rest, len) == 0)
			return true;
	}
	return false;
}

static uint64_t ino_of(const char *path, unsigned len)
{
	uint64_t hash = 14695981039346656037ULL; /* FNV-1a */

	while (len-- > 0)
		hash = (hash ^ (uint8_t)*path++) * 1099511628211ULL;
	return hash >> 16 | 1;
}

static int readdir(struct vnode *vp, int64_t *off, struct direntsink *ds)
{
	const struct procfs_entry *const *pe;
	struct procnode *d = VTOP(vp);
	int64_t at = 2;

	for (; *off < 2; ++*off) {
		const struct name dots = {"..", (unsigned)*off + 1};
		if (!ds->ds_emit(ds, &dots, ino_of(d->pn_path, d->pn_len), S_IFDIR, *off + 1))
			return 0;
	}
	LINK_SET_FOREACH (pe, procfs_entries) {
		const char *rest = below(d, *pe);
		struct name name;

		if (at++ < *off || !rest || seen(d, pe, rest))
			continue;
		name = (struct name){rest, component_len(rest)};
		if (!ds->ds_emit(ds, &name, ino_of((*pe)->pe_path, d->pn_len + 1 + name.n_len),
			rest[name.n_len] == '/' ? S_IFDIR : (*pe)->pe_kind, at))
			return 0;
		*off = at;
	}
	return 0;
}

static int getattr(struct vnode *vp, struct stat *st)
{
	struct procnode *pn = VTOP(vp);

	st->st_ino = ino_of(pn->pn_path, pn->pn_len);
	st->st_mode = vp->v_kind | (S_ISLNK(vp->v_kind) ? 0777 : vn_isdir(vp) ? 0555 : 0444);
	st->st_nlink = vn_isdir(vp) ? 2 : 1;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

static int entry_open(struct vnode *vp, int flags, struct file **fpp)
{
	struct procnode *pn = VTOP(vp);

	return procfs_open(
	    pn->pn_entry, flags, vp->v_mount->mnt_dev, ino_of(pn->pn_path, pn->pn_len), fpp);
}

static int entry_readlink(struct vnode *vp, char *buf, size_t *len)
{
	if (!S_ISLNK(vp->v_kind))
		return EINVAL;
	return procfs_readlink(VTOP(vp)->pn_entry, buf, len);
}

static void reclaim(struct vnode *vp)
{
	pool_put(&procnode_pool, VTOP(vp));
}

static const struct vnodeops dir_ops = {
    .vop_lookup = lookup,
    .vop_readdir = readdir,
    .vop_getattr = getattr,
    .vop_reclaim = reclaim,
};

static const struct vnodeops entry_ops = {
    .vop_getattr = getattr,
    .vop_open = entry_open,
    .vop_readlink = entry_readlink,
    .vop_reclaim = reclaim,
};

static int procfs_statfs(struct mount *mp, struct statfs *sf)
{
	sf->f_type = 0x9fa0; /* PROC_SUPER_MAGIC */
	return 0;
}

static int mount_tree(const char *path, struct mount *mp, struct procnode *root)
{
	vnode_init(&root->pn_vnode, &dir_ops, mp, S_IFDIR);
	root->pn_path = path;
	root->pn_len = (unsigned)strlen(path);
	mp->mnt_root = &root->pn_vnode;
	mp->mnt_nocache = true;
	mp->mnt_statfs = procfs_statfs;
	return vfs_mount_at(mp, path);
}

static int procfs_start(void)
{
	int error = 0;

	for (unsigned i = 0; i < NELEM(trees) && !error; i++)
		error = mount_tree(trees[i].path, &trees[i].mount, &trees[i].root);
	return error;
}
VFS_FILESYSTEM(procfs, VFS_STAGE_MORE, procfs_start);
