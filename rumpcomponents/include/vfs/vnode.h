/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnodes: files, directories and all else that has an inode, whatever file system it is on.
 *
 * A file system embeds struct vnode in its own node.  References (v_usecount,
 * atomic): one per open file, per lookup in progress, per whatever the file system itself
 * counts (tmpfs: one for each name in a directory).  With the last one vop_reclaim frees the node.
 *
 * LOCKS.  v_lock is taken by the vfs layer around the operations, as each says: [R] reader, [W]
 * writer, [-] not held.  The program's memory is touched with v_lock held (read, write), so a page
 * fault may happen there, and so vop_getpage takes no v_lock: what it looks at the file system
 * guards itself.
 *
 * LOCK ORDER: rename_lock, v_lock of a directory before that of what is in it (two directories: the
 * ancestor first, else by address), address-space map, the file system's page locks, name cache.
 */
#ifndef VFS_VNODE_H
#define VFS_VNODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <kern/file.h>
#include <kern/mutex.h>
#include <kern/vm_map.h>

struct mount;
struct namecache;
struct uio;
struct vnode;

/* Attributes to set; also what a new node is made with. */
struct vattr {
	unsigned va_mask; /* VA_* */
	mode_t va_mode;	  /* with its S_IFMT bits when a node is created */
	uid_t va_uid;
	gid_t va_gid;
	dev_t va_rdev;
	int64_t va_size;
	int64_t va_atime, va_mtime; /* ns since 1970 */
	const char *va_target;	    /* of a symbolic link that is created */
};
#define VA_MODE	 0x01
#define VA_UID	 0x02
#define VA_GID	 0x04
#define VA_SIZE	 0x08
#define VA_ATIME 0x10
#define VA_MTIME 0x20

/* A name within a directory; not NUL-terminated, 1..NAME_MAX bytes, no slash. */
struct name {
	const char *n_str;
	unsigned n_len;
};

/*
 * readdir's receiver: false when it is full; then the same entry comes again at the next call.
 * next is the position after this entry.
 */
struct direntsink {
	bool (*ds_emit)(struct direntsink *ds, const struct name *name, uint64_t ino, mode_t type,
	    int64_t next);
};

/* clang-format off */
/*
 * A NULL operation gives the error in brackets.  All may sleep.
 *
 * vop_lookup [R dvp]	*vpp gets a reference.  "..", too, except in a file system's root;
 *			never ".".  ENOENT.  [ENOTDIR]
 * vop_create [W dvp]	A node of va_mode's kind; name NULL: in no directory (O_TMPFILE).  The
 *			caller has seen that the name is free.  [EROFS]
 * vop_link [W both]	[EPERM]
 * vop_remove [W both]	Takes the name off; a directory must be empty: ENOTEMPTY.  [EROFS]
 * vop_rename		[W both directories, fvp and tvp]  tvp (NULL if none) is replaced;
 *			exchange: the two change places.  Kinds and cycles have been checked,
 *			emptiness not.  [EROFS]
 * vop_readdir [R]	From *off on, until the sink is full or the end.  [ENOTDIR]
 * vop_readlink [R]	*len: room, then length; no NUL.  [EINVAL]
 * vop_getattr [-]	All of *st except st_dev.
 * vop_setattr [W]	[EROFS]
 * vop_read [R], vop_write [W]	At uio_offset.  [EINVAL]
 * vop_allocate [W]	fallocate(2).  [EOPNOTSUPP]
 * vop_getpage, vop_putpage [-]	As vm_objectops.  [ENODEV from mmap]
 * vop_object [-]	The object to map, with a reference.  [the vnode's own]
 * vop_peek [R]		As fo_peek.  [read and copy]
 * vop_open [-]		A device: makes its own struct file.  [the vnode's ordinary file]
 * vop_sync [-]		[nothing to do]
 * vop_reclaim [-]	The last reference is gone.
 */
/* clang-format on */
struct vnodeops {
	int (*vop_lookup)(struct vnode *dvp, const struct name *name, struct vnode **vpp);
	int (*vop_create)(
	    struct vnode *dvp, const struct name *name, const struct vattr *va, struct vnode **vpp);
	int (*vop_link)(struct vnode *dvp, const struct name *name, struct vnode *vp);
	int (*vop_remove)(struct vnode *dvp, const struct name *name, struct vnode *vp);
	int (*vop_rename)(struct vnode *fdvp, const struct name *fname, struct vnode *fvp,
	    struct vnode *tdvp, const struct name *tname, struct vnode *tvp, bool exchange);
	int (*vop_readdir)(struct vnode *vp, int64_t *off, struct direntsink *ds);
	int (*vop_readlink)(struct vnode *vp, char *buf, size_t *len);
	int (*vop_getattr)(struct vnode *vp, struct stat *st);
	int (*vop_setattr)(struct vnode *vp, const struct vattr *va);
	int (*vop_read)(struct vnode *vp, struct uio *uio);
	int (*vop_write)(struct vnode *vp, struct uio *uio);
	int (*vop_allocate)(struct vnode *vp, int mode, int64_t off, int64_t len);
	int (*vop_getpage)(struct vnode *vp, uint64_t off, bool write, uint64_t *pa);
	void (*vop_putpage)(struct vnode *vp, uint64_t off, uint64_t pa, bool dirty);
	int (*vop_object)(struct vnode *vp, bool shared_write, struct vm_object **objp);
	int (*vop_peek)(struct vnode *vp, int64_t off, size_t len, struct file_extent *ext);
	int (*vop_open)(struct vnode *vp, int flags, struct file **fpp);
	int (*vop_sync)(struct vnode *vp);
	void (*vop_reclaim)(struct vnode *vp);
};

struct vnode {
	const struct vnodeops *v_op;	      /* constant */
	struct mount *v_mount;		      /* constant; NULL: on none */
	struct mount *volatile v_mountedhere; /* what is mounted on this directory */
	volatile uint32_t v_usecount;
	uint32_t v_kind; /* constant: S_IFREG, S_IFDIR ... */
	struct vm_object v_object;
	krwlock_t v_lock;
	LIST_HEAD(, namecache) v_names;	   /* name-cache entries that lead here; the cache's lock */
	LIST_HEAD(, namecache) v_children; /* ... and that are in this directory */
	bool v_cached;			   /* either list was ever used */
	int32_t v_writelocks;		   /* spare: flock */
};

static inline bool vn_isdir(const struct vnode *vp)
{
	return vp->v_kind == S_IFDIR;
}

/* Set up the vnode part of a new node: one reference.  kind: S_IFREG ... */
void vnode_init(struct vnode *vp, const struct vnodeops *op, struct mount *mp, uint32_t kind);
static inline void vref(struct vnode *vp)
{
	__atomic_add_fetch(&vp->v_usecount, 1, __ATOMIC_RELAXED);
}
/* Only if somebody else still holds one. */
bool vtryref(struct vnode *vp);
/* Drop one.  May sleep; no locks of vfs held except by those who hold another reference. */
void vrele(struct vnode *vp);

/* The vnode behind an open file, NULL if it is something else.  No reference. */
struct vnode *file_vnode(struct file *fp);

/* ---- name cache: called by file systems for what changes behind the vfs layer's back. */
void cache_purge(struct vnode *dvp, const struct name *name);
void cache_purge_vnode(struct vnode *vp);

#endif
