/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounted file systems.  They are mounted at boot and stay: a file system registers a function
 * for a stage (VFS_FILESYSTEM) that vfs calls when it starts.
 */
#ifndef VFS_MOUNT_H
#define VFS_MOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/statfs.h>
#include <kern/linkset.h>

struct vnode;

struct mount {
	struct vnode *mnt_root;	   /* a reference */
	struct vnode *mnt_covered; /* directory it is mounted on, a reference; NULL: the root */
	uint64_t mnt_dev;	   /* st_dev, set by vfs_mount */
	int (*mnt_statfs)(
	    struct mount *mp, struct statfs *sf); /* f_fsid, f_namelen are filled in */
	bool mnt_nocache; /* names come and go by themselves: keep them out of the name cache */
	void *mnt_data;
};

enum vfs_stage {
	VFS_STAGE_LOWER, /* a read-only image offers itself: vfs_lower_root */
	VFS_STAGE_ROOT,	 /* the root is mounted */
	VFS_STAGE_MORE,	 /* what goes below the root */
	VFS_NSTAGES
};

struct vfs_filesystem {
	const char *vf_name;
	enum vfs_stage vf_stage;
	int (*vf_start)(void); /* 0 or errno, which stops the boot */
};

#define VFS_FILESYSTEM(name, stage, func)                                                          \
	static const struct vfs_filesystem vfs_filesystem_##name = {#name, stage, func};           \
	LINK_SET_ADD(filesystems, vfs_filesystem_##name)

/* What sync(2) does, besides: LINK_SET_ADD(sync_hooks, function).  May sleep. */
typedef void vfs_sync_hook_t(void);

/* Root directory of the image baked in, NULL if there is none.  Never written. */
extern struct vnode *vfs_lower_root;
/* The root directory, once it is mounted. */
extern struct vnode *vfs_root;

/* Mount mp on a directory (reference taken over), or as the root (NULL).  EBUSY. */
int vfs_mount(struct mount *mp, struct vnode *covered);
/* Mount mp on the directory of that absolute path, which is made if it is not there. */
int vfs_mount_at(struct mount *mp, const char *path);

#endif
