/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: nodes, directory entries and pages in memory.
 *
 * A node may have a LOWER vnode: the file, directory or link in a read-only image that it
 * began as.  So the same code is the overlay: a directory looks names up in its own
 * entries and then in the lower directory, making a node over what it finds there; a
 * file's page is the node's own once it is written to, and until then the lower file's bytes.
 *
 * Locks: the vnode's v_lock for directory entries, names and attributes; tn_pages_lock for the
 * page tree and tn_lowersize, because page faults come without v_lock.  tn_pages_lock is
 * never held while the program's memory is touched.  Times are racy words.
 *
 * All memory counts against tmpfs_limit, so that no loop of open() or symlink() takes the
 * kernel's: pages of data, and by bytes what describes them.
 */
#ifndef TMPFS_IMPL_H
#define TMPFS_IMPL_H

#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/systm.h>
#include <vfs/mount.h>
#include <vfs/vnode.h>

struct tmpfs_node;

/* A page of a file: its tree holds a reference, each mapping and each sendfile another. */
struct tmpfs_page {
	uint64_t tp_pa;
	volatile uint32_t tp_refs;
	uint32_t tp_maps;	    /* of these references, those of mappings; tn_pages_lock */
	struct tmpfs_page *tp_next; /* tn_orphans */
};

/* A name.  te_node NULL: a whiteout, the name in the lower directory is gone. */
struct tmpfs_dirent {
	struct tmpfs_dirent *te_hash;
	TAILQ_ENTRY(tmpfs_dirent) te_order;
	struct tmpfs_node *te_node; /* a reference */
	int64_t te_cookie;	    /* grows along tn_entries */
	uint32_t te_hashval;
	uint8_t te_len;
	bool te_lower; /* the name is in the lower directory, and means te_node */
	char te_name[];
};

struct tmpfs_node {
	struct vnode tn_vnode;
	uint64_t tn_ino;
	struct vnode *tn_lower; /* a reference, constant; NULL if none */
	uint32_t tn_mode, tn_nlink, tn_uid, tn_gid;
	uint64_t tn_rdev;
	volatile int64_t tn_size;
	volatile int64_t tn_atime, tn_mtime, tn_ctime; /* ns since 1970 */
	union {
		struct {			      /* directory */
			struct tmpfs_node *tn_parent; /* no reference: a child that is in it keeps
							 it; NULL once removed */
			struct tmpfs_dirent **tn_table;
			uint32_t tn_tablesize, tn_nentries; /* entries, whiteouts among them */
			uint32_t tn_nlive;		    /* not whiteouts, not te_lower */
			int64_t tn_nextcookie;
			TAILQ_HEAD(, tmpfs_dirent) tn_entries;
		};
		struct { /* regular file */
			kmutex_t tn_pages_lock;
			void *tn_tree;	    /* page or node of 64 pointers, by height */
			unsigned tn_height; /* levels of nodes */
			uint64_t tn_npages;
			int64_t tn_lowersize; /* below it, what is not in the tree is tn_lower's */
			struct tmpfs_page *tn_orphans; /* cut off but still mapped */
		};
		char *tn_target; /* symbolic link; tn_size bytes; NULL: tn_lower's */
	};
};

static inline struct tmpfs_node *VTON(struct vnode *vp)
{
	return container_of(vp, struct tmpfs_node, tn_vnode);
}

#define TMPFS_COOKIE_FIRST 2
#define TMPFS_COOKIE_LOWER (1LL << 62) /* positions from here on are the lower directory's */

extern struct mount tmpfs_mount;
/*
 * In directories that have a lower one, readers of v_lock, too, add entries:
 * under this lock, which every reader of such entries takes.
 */
extern kmutex_t tmpfs_lower_lock;
extern const struct vnodeops tmpfs_dirops, tmpfs_fileops, tmpfs_otherops;

/* ---- tmpfs.c: space */
extern volatile uint64_t tmpfs_used;  /* pages of data */
extern volatile uint64_t tmpfs_bytes; /* nodes, names and so on */
extern uint64_t tmpfs_limit;	      /* pages */
/* Pages that are left. */
uint64_t tmpfs_left(void);
/* How strictly the limit is taken: what can't fail for it, or takes as much as it gives back, must.
 */
enum tmpfs_need { TMPFS_MAY, TMPFS_MUST };
bool tmpfs_charge(size_t bytes, enum tmpfs_need need);
void tmpfs_uncharge(size_t bytes);
/* Zeroed memory that counts.  NULL: none, or the limit. */
void *tmpfs_alloc(size_t bytes, enum tmpfs_need need);
void tmpfs_free(void *p, size_t bytes);

/* ---- node.c */
/* A node of mode's kind with no names, one reference.  NULL: no memory, or the limit. */
struct tmpfs_node *tmpfs_node_alloc(mode_t mode, uint64_t rdev, const char *target);
/* Over vp (reference taken over on success). */
struct tmpfs_node *tmpfs_node_over(struct vnode *vp);
int tmpfs_getattr(struct vnode *vp, struct stat *st);
int tmpfs_setattr(struct vnode *vp, const struct vattr *va);
void tmpfs_reclaim(struct vnode *vp);
static inline void tmpfs_changed(struct tmpfs_node *n)
{
	n->tn_mtime = n->tn_ctime = (int64_t)nanotime();
}

/* ---- dir.c: entries; v_lock held */
struct tmpfs_dirent *tmpfs_dir_find(struct tmpfs_node *d, const struct name *name);
/* A new entry (the name has none); takes over a reference to n; n NULL: a whiteout.  ENOSPC. */
int tmpfs_dir_add(struct tmpfs_node *d, const struct name *name, struct tmpfs_node *n,
    enum tmpfs_need need, struct tmpfs_dirent **tep);
/* Unlink and free an entry; the reference to its node is the caller's. */
void tmpfs_dir_drop(struct tmpfs_node *d, struct tmpfs_dirent *te);
/* The name goes: its entry, or a whiteout takes its place.  As above.  ENOMEM. */
int tmpfs_dir_clear(struct tmpfs_node *d, struct tmpfs_dirent *te);
/* te means n (reference taken over) from now on; te may be a whiteout. */
void tmpfs_dir_set(struct tmpfs_node *d, struct tmpfs_dirent *te, struct tmpfs_node *n);
void tmpfs_dir_free(struct tmpfs_node *d);
int tmpfs_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp);
int tmpfs_readdir(struct vnode *vp, int64_t *off, struct direntsink *ds);

/* ---- lower.c */
/* The entry for a name that so far is only in the lower directory.  ENOENT ... */
int tmpfs_lower_lookup(struct tmpfs_node *d, const struct name *name, struct tmpfs_dirent **tep);
int tmpfs_lower_readdir(struct tmpfs_node *d, int64_t *off, struct direntsink *ds);
/* 0, or ENOTEMPTY if a name of the lower directory still shows. */
int tmpfs_lower_empty(struct tmpfs_node *d);
/* Bytes of the lower file into buf, zeroes behind its end. */
int tmpfs_lower_page(struct tmpfs_node *n, uint64_t index, void *buf);

/* ---- pages.c: tn_pages_lock held */
struct tmpfs_page *tmpfs_page_find(struct tmpfs_node *n, uint64_t index);
/* Find or make; a new page holds the lower file's bytes or zeroes.  ENOSPC, EIO. */
int tmpfs_page_make(struct tmpfs_node *n, uint64_t index, struct tmpfs_page **tpp);
/* Pages from..to-1 go. */
void tmpfs_pages_cut(struct tmpfs_node *n, uint64_t from, uint64_t to);
/* All, at the end. */
void tmpfs_pages_free(struct tmpfs_node *n);
void tmpfs_page_rele(void *tp);
int tmpfs_getpage(struct vnode *vp, uint64_t off, bool write, uint64_t *pa); /* not held */
void tmpfs_putpage(struct vnode *vp, uint64_t off, uint64_t pa, bool dirty);

/* ---- file.c */
int tmpfs_truncate(struct tmpfs_node *n, int64_t size);

#endif
