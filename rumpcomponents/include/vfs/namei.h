/* SPDX-License-Identifier: BSD-2-Clause */
/* From path names to vnodes. */
#ifndef VFS_NAMEI_H
#define VFS_NAMEI_H

#include <vfs/vnode.h>

#define NI_FOLLOW 0x01 /* a symbolic link at the end is followed */
#define NI_PARENT 0x02 /* want the directory, too; the last name need not exist */
#define NI_EMPTY  0x04 /* "" is dirfd itself (AT_EMPTY_PATH) */

struct nameidata {
	struct vnode *nd_dvp; /* NI_PARENT: directory of the last name; NULL if it has none ("/",
				 "..", "a/.") */
	struct vnode *nd_vp;  /* what was found; NULL (with NI_PARENT only): the name is free */
	struct name nd_name;  /* last name, "." or "..", too; lies in nd_buf or the caller's path */
	bool nd_slash;	      /* it ended in a slash; with NI_PARENT, nd_vp may be no directory */
	char *nd_buf;	      /* path after symbolic links, if there were any */
};

/*
 * path is kernel memory.  On success namei_done() gives back nd_dvp, nd_vp and the buffer.
 * ENOENT ENOTDIR ELOOP ENAMETOOLONG EBADF ENOMEM EIO.  May sleep; no locks held.
 */
int namei(int dirfd, const char *path, unsigned flags, struct nameidata *nd);
void namei_done(struct nameidata *nd);

/* A path from the program: pathbuf_in() copies it in (EFAULT ENAMETOOLONG ENOMEM), and if it
 * could pathbuf_done() gives the memory back. */
struct pathbuf {
	char *pb_path;
	char pb_small[128];
};
int pathbuf_in(const char *upath, struct pathbuf *pb);
void pathbuf_done(struct pathbuf *pb);

#define VFS_PATH_MAX 4096
/*
 * vp's path from the root, to the end of buf, of VFS_PATH_MAX bytes; *path is where it begins.
 * ENOENT: it has none, or, of a file, none that is remembered; ENAMETOOLONG EIO.  May sleep.
 */
int vfs_pathname(struct vnode *vp, char *buf, char **path);

/* Open or create; *fpp is a new file.  As open(2). */
int vn_open(int dirfd, const char *path, int flags, mode_t mode, struct file **fpp);

/* Make a node of mode's kind at a free name.  *vpp (may be NULL) gets a reference.  EEXIST ... */
int vn_create(int dirfd, const char *path, const struct vattr *va, struct vnode **vpp);

#endif
