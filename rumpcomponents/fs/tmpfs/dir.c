/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories: a hash table for lookup and a list, in the order of their making, for readdir.
 * A reader's position is a cookie: entries that stay are seen exactly once, whatever else
 * comes and goes.
 */
#include "tmpfs_impl.h"

#define FIRST_TABLE 8

static uint32_t hash(const struct name *name)
{
	uint32_t h = 2166136261U;

	for (unsigned i = 0; i < name->n_len; i++)
		h = (h ^ (uint8_t)name->n_str[i]) * 16777619U;
	return h ^ h >> 15;
}

static size_t entry_size(const struct tmpfs_dirent *te)
{
	return sizeof(*te) + te->te_len;
}

struct tmpfs_dirent *tmpfs_dir_find(struct tmpfs_node *d, const struct name *name)
{
	uint32_t h = hash(name);
	struct tmpfs_dirent *te;

	if (d->tn_tablesize == 0)
		return NULL;
	for (te = d->tn_table[h % d->tn_tablesize]; te; te = te->te_hash)
		if (te->te_hashval == h && te->te_len == name->n_len &&
		    memcmp(te->te_name, name->n_str, name->n_len) == 0)
			return te;
	return NULL;
}

static void hash_in(struct tmpfs_node *d, struct tmpfs_dirent *te)
{
	struct tmpfs_dirent **bucket = &d->tn_table[te->te_hashval % d->tn_tablesize];

	te->te_hash = *bucket;
	*bucket = te;
}

static int grow(struct tmpfs_node *d, enum tmpfs_need need)
{
	uint32_t size = d->tn_tablesize ? d->tn_tablesize * 4 : FIRST_TABLE;
	struct tmpfs_dirent **table, *te;

	if (d->tn_tablesize)
		need = TMPFS_MAY; /* longer chains will do */
	table = tmpfs_alloc(size * sizeof(struct tmpfs_dirent *), need);

	if (!table)
		return d->tn_tablesize ? 0 : ENOSPC;
	if (d->tn_table)
		tmpfs_free(d->tn_table, d->tn_tablesize * sizeof(struct tmpfs_dirent *));
	d->tn_table = table;
	d->tn_tablesize = size;
	TAILQ_FOREACH (te, &d->tn_entries, te_order)
		hash_in(d, te);
	return 0;
}

int tmpfs_dir_add(struct tmpfs_node *d, const struct name *name, struct tmpfs_node *n,
    enum tmpfs_need need, struct tmpfs_dirent **tep)
{
	struct tmpfs_dirent *te;
	int error;

	if (d->tn_nentries >= d->tn_tablesize * 2) {
		error = grow(d, need);
		if (error)
			return error;
	}
	te = tmpfs_alloc(sizeof(*te) + name->n_len, need);
	if (!te)
		return ENOSPC;
	te->te_node = n;
	te->te_cookie = d->tn_nextcookie++;
	te->te_hashval = hash(name);
	te->te_len = (uint8_t)name->n_len;
	memcpy(te->te_name, name->n_str, name->n_len);
	hash_in(d, te);
	TAILQ_INSERT_TAIL(&d->tn_entries, te, te_order);
	d->tn_nentries++;
	if (tep)
		*tep = te;
	return 0;
}

void tmpfs_dir_drop(struct tmpfs_node *d, struct tmpfs_dirent *te)
{
	struct tmpfs_dirent **p = &d->tn_table[te->te_hashval % d->tn_tablesize];

	while (*p != te)
		p = &(*p)->te_hash;
	*p = te->te_hash;
	TAILQ_REMOVE(&d->tn_entries, te, te_order);
	d->tn_nentries--;
	tmpfs_free(te, entry_size(te));
}

int tmpfs_dir_clear(struct tmpfs_node *d, struct tmpfs_dirent *te)
{
	struct name name = {te->te_name, te->te_len};
	struct vnode *vp;
	int error = ENOENT;

	/* Is there something in the lower directory that must not show through? */
	if (te->te_lower)
		error = 0;
	else if (d->tn_lower)
		error = d->tn_lower->v_op->vop_lookup(d->tn_lower, &name, &vp);
	if (error == ENOENT) {
		tmpfs_dir_drop(d, te);
		return 0;
	}
	if (error)
		return error;
	if (!te->te_lower)
		vrele(vp);
	te->te_node = NULL;
	te->te_lower = false;
	return 0;
}

void tmpfs_dir_set(struct tmpfs_node *d, struct tmpfs_dirent *te, struct tmpfs_node *n)
{
	te->te_node = n;
	te->te_lower = false;
}

void tmpfs_dir_free(struct tmpfs_node *d)
{
	struct tmpfs_dirent *te;

	while ((te = TAILQ_FIRST(&d->tn_entries)) != NULL) {
		if (te->te_node)
			vrele(&te->te_node->tn_vnode);
		tmpfs_dir_drop(d, te);
	}
	if (d->tn_table)
		tmpfs_free(d->tn_table, d->tn_tablesize * sizeof(struct tmpfs_dirent *));
}

static bool is_dotdot(const struct name *name)
{
	return name->n_len == 2 && name->n_str[0] == '.' && name->n_str[1] == '.';
}

static int find_over_lower(struct tmpfs_node *d, const struct name *name, struct tmpfs_dirent **tep)
{
	int error = 0;

	mutex_enter(&tmpfs_lower_lock);
	*tep = tmpfs_dir_find(d, name);
	if (!*tep)
		error = tmpfs_lower_lookup(d, name, tep);
	mutex_exit(&tmpfs_lower_lock);
	return error;
}

int tmpfs_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	struct tmpfs_node *d = VTON(dvp), *n;
	struct tmpfs_dirent *te;
	int error = 0;

	if (is_dotdot(name)) {
		n = d->tn_parent;
	} else {
		if (d->tn_lower && d->tn_nlink > 0)
			error = find_over_lower(d, name, &te);
		else
			te = tmpfs_dir_find(d, name);
		if (error)
			return error;
		n = te ? te->te_node : NULL;
	}
	if (!n)
		return ENOENT;
	vref(&n->tn_vnode);
	*vpp = &n->tn_vnode;
	return 0;
}

static int read_entries(struct vnode *vp, int64_t *off, struct direntsink *ds)
{
	static const struct name dot = {".", 1}, dotdot = {"..", 2};
	struct tmpfs_node *d = VTON(vp);
	struct tmpfs_dirent *te;

	if (d->tn_nlink == 0)
		return *off == 0 ? 0 : ENOENT;
	if (*off == 0) {
		if (!ds->ds_emit(ds, &dot, d->tn_ino, S_IFDIR, 1))
			return 0;
		*off = 1;
	}
	if (*off == 1) {
		if (!ds->ds_emit(ds, &dotdot, d->tn_parent->tn_ino, S_IFDIR, TMPFS_COOKIE_FIRST))
			return 0;
		*off = TMPFS_COOKIE_FIRST;
	}
	if (*off < TMPFS_COOKIE_LOWER) {
		TAILQ_FOREACH (te, &d->tn_entries, te_order) {
			struct name name = {te->te_name, te->te_len};
			if (te->te_cookie < *off || !te->te_node || te->te_lower)
				continue;
			if (!ds->ds_emit(ds, &name, te->te_node->tn_ino,
				te->te_node->tn_mode & S_IFMT, te->te_cookie + 1))
				return 0;
			*off = te->te_cookie + 1;
		}
		if (!d->tn_lower)
			return 0;
		*off = TMPFS_COOKIE_LOWER;
	}
	return d->tn_lower ? tmpfs_lower_readdir(d, off, ds) : 0;
}

int tmpfs_readdir(struct vnode *vp, int64_t *off, struct direntsink *ds)
{
	bool lower = VTON(vp)->tn_lower != NULL;
	int error;

	if (*off < 0)
		return EINVAL;
	if (lower)
		mutex_enter(&tmpfs_lower_lock);
	error = read_entries(vp, off, ds);
	if (lower)
		mutex_exit(&tmpfs_lower_lock);
	return error;
}
