/* SPDX-License-Identifier: BSD-2-Clause */
/* vfs/vfs's own. */
#ifndef VFS_IMPL_H
#define VFS_IMPL_H

#include <kern/systm.h>
#include <vfs/mount.h>
#include <vfs/namei.h>
#include <vfs/vnode.h>

#define VFS_NAME_MAX	255
#define VFS_MAXSYMLINKS 40

extern kmutex_t vfs_rename_lock; /* directories do not change their parents */
extern const struct fileops vn_fileops;

void cache_init(void);
/* 0: *vpp has a reference; ENOENT: known to be absent; EAGAIN: not known. */
int cache_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp);
/* vp NULL: absent.  dvp locked. */
void cache_enter(struct vnode *dvp, const struct name *name, struct vnode *vp);
/*
 * A directory where vp has a name, with a reference; "/name" is put into buf so that it ends before
 * *at, which moves to its start (there is room).  ENOENT: not known.
 */
int cache_name(struct vnode *vp, struct vnode **dvpp, char *buf, size_t *at);

/* The directory that relative paths start from, with a reference. */
int vfs_startdir(int dirfd, struct vnode **vpp);
struct vnode *vfs_cwd(void);
/* From a mounted-on directory to what is mounted there; takes over and returns a reference. */
struct vnode *vfs_cross(struct vnode *vp);
/* dvp's parent, across mounts; the root is its own.  Takes over dvp's reference, on failure too. */
int vfs_parent(struct vnode *dvp, struct vnode **vpp);
/* Look name up, for the caller who holds dvp's lock as a writer: past the cache. */
int vfs_lookup_locked(struct vnode *dvp, const struct name *name, struct vnode **vpp);
mode_t vfs_umask(void);

/* Make a node below nd->nd_dvp unless the name is taken (EEXIST).  *vpp gets a reference. */
int vfs_create_at(struct nameidata *nd, const struct vattr *va, struct vnode **vpp);
int vfs_setattr(struct vnode *vp, const struct vattr *va);
int vfs_stat(struct vnode *vp, struct stat *st);
int vfs_truncate(struct vnode *vp, int64_t size);
/* A new file for vp (reference taken over on success). */
int vfs_file(struct vnode *vp, int flags, struct file **fpp);
/* A vnode by path from the program. */
int vfs_lookup_user(int dirfd, const char *upath, unsigned flags, struct vnode **vpp);
/* The vnode behind a descriptor, with a reference of its own: EBADF, error if it is no vnode. */
int vfs_fdvnode(int fd, int error, struct vnode **vpp);

#endif
