/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories.  Names are sorted over the whole directory, so both the block and the entry in
 * it are found by halving.  A position of readdir is the byte position of an entry.
 */
#include "erofs_impl.h"

struct dirblock {
	const uint8_t *db_data;
	unsigned db_len;   /* bytes */
	unsigned db_count; /* entries */
};

static uint64_t block_count(const struct erofs_node *n)
{
	return (n->en_size + (1ULL << n->en_image->ei_blkbits) - 1) >> n->en_image->ei_blkbits;
}

static int get_block(const struct erofs_node *n, uint64_t block, struct dirblock *db)
{
	uint64_t off = block << n->en_image->ei_blkbits;
	size_t want = KMIN(n->en_size - off, 1ULL << n->en_image->ei_blkbits), len = want;
	struct erofs_dirent first;

	db->db_data = erofs_data(n, off, &len);
	if (len != want || len < sizeof(first))
		return EUCLEAN;
	memcpy(&first, db->db_data, sizeof(first));
	if (first.nameoff < sizeof(first) || first.nameoff > len ||
	    first.nameoff % sizeof(first) != 0)
		return EUCLEAN;
	db->db_len = (unsigned)len;
	db->db_count = first.nameoff / sizeof(first);
	return 0;
}

static int get_entry(
    const struct dirblock *db, unsigned i, struct erofs_dirent *de, struct name *name)
{
	struct erofs_dirent next;
	unsigned end;

	memcpy(de, db->db_data + i * sizeof(*de), sizeof(*de));
	if (de->nameoff < db->db_count * sizeof(*de) || de->nameoff >= db->db_len)
		return EUCLEAN;
	if (i + 1 < db->db_count) {
		memcpy(&next, db->db_data + (i + 1) * sizeof(next), sizeof(next));
		end = next.nameoff;
	} else {
		end = de->nameoff + (unsigned)strnlen((const char *)db->db_data + de->nameoff,
					db->db_len - de->nameoff);
	}
	if (end <= de->nameoff || end > db->db_len || end - de->nameoff > 255)
		return EUCLEAN;
	name->n_str = (const char *)db->db_data + de->nameoff;
	name->n_len = end - de->nameoff;
	return 0;
}

/* Names found by lookup are what the program asked for; these it gets to see. */
static bool presentable(const struct name *name)
{
	return !memchr(name->n_str, '\0', name->n_len) && !memchr(name->n_str, '/', name->n_len);
}

static int compare(const struct name *a, const struct name *b)
{
	int c = memcmp(a->n_str, b->n_str, KMIN(a->n_len, b->n_len));

	return c ? c : a->n_len < b->n_len ? -1 : a->n_len > b->n_len;
}

/* The last entry of block [lo, hi) by halving whose name is not above `name`; its place within the
 * block. */
static int search_block(const struct dirblock *db, const struct name *name, struct erofs_dirent *de)
{
	unsigned lo = 0, hi = db->db_count;
	struct name here;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;
		int error = get_entry(db, mid, de, &here), c;
		if (error)
			return error;
		c = compare(name, &here);
		if (c == 0)
			return 0;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return ENOENT;
}

int erofs_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	struct erofs_node *n = VTOE(dvp);
	uint64_t lo = 0, hi = block_count(n);
	struct dirblock db;
	struct erofs_dirent de;
	struct name first;
	int error;

	/* The last block whose first name is not above ours. */
	while (hi > lo) {
		uint64_t mid = lo + (hi - lo) / 2;
		int c;
		error = get_block(n, mid, &db);
		if (!error)
			error = get_entry(&db, 0, &de, &first);
		if (error)
			return error;
		c = compare(name, &first);
		if (c == 0)
			return erofs_node_get(n->en_image, de.nid, vpp);
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	if (lo == 0)
		return ENOENT;
	error = get_block(n, lo - 1, &db);
	if (!error)
		error = search_block(&db, name, &de);
	return error ? error : erofs_node_get(n->en_image, de.nid, vpp);
}

static mode_t kind_of(uint8_t file_type)
{
	static const uint8_t kinds[] = {0, S_IFREG >> 12, S_IFDIR >> 12, S_IFCHR >> 12,
	    S_IFBLK >> 12, S_IFIFO >> 12, S_IFSOCK >> 12, S_IFLNK >> 12};

	return file_type < sizeof(kinds) ? (mode_t)kinds[file_type] << 12 : 0;
}

int erofs_readdir(struct vnode *vp, int64_t *off, struct direntsink *ds)
{
	struct erofs_node *n = VTOE(vp);
	unsigned bits = n->en_image->ei_blkbits, i;
	struct dirblock db;
	int error;

	while (*off >= 0 && (uint64_t)*off < n->en_size) {
		uint64_t block = (uint64_t)*off >> bits;
		error = get_block(n, block, &db);
		if (error)
			return error;
		i = (unsigned)(((uint64_t)*off & ((1ULL << bits) - 1)) /
			       sizeof(struct erofs_dirent));
		for (; i < db.db_count; i++) {
			struct erofs_dirent de;
			struct name name;
			int64_t next = i + 1 < db.db_count
					   ? (int64_t)((block << bits) + (i + 1) * sizeof(de))
					   : (int64_t)((block + 1) << bits);
			error = get_entry(&db, i, &de, &name);
			if (!error && !presentable(&name))
				error = EUCLEAN;
			if (error)
				return error;
			if (!ds->ds_emit(ds, &name, de.nid, kind_of(de.file_type), next))
				return 0;
			*off = next;
		}
		*off = (int64_t)((block + 1) << bits);
	}
	return 0;
}
