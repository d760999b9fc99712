/* SPDX-License-Identifier: BSD-2-Clause */
/* open(2) and its kin. */
#include <fcntl.h>
#include <kern/sysproto.h>
#include "vfs_impl.h"

#define KNOWN_FLAGS                                                                                \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC |     \
	    O_SYNC | O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |     \
	    O_CLOEXEC | O_PATH | O_TMPFILE)
/* What stays in f_flags. */
#define FILE_FLAGS                                                                                 \
	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DIRECT | O_NOATIME | O_PATH | O_DIRECTORY)

/* Is vp what the flags ask for? */
static int check_kind(struct vnode *vp, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;

	if (flags & O_DIRECTORY && !vn_isdir(vp))
		return ENOTDIR;
	if (vp->v_kind == S_IFLNK && !(flags & O_PATH))
		return ELOOP;
	if (vn_isdir(vp) && !(flags & O_PATH) && (writes || flags & (O_CREAT | O_TRUNC)))
		return EISDIR;
	if (vp->v_kind == S_IFREG && !(flags & O_PATH) && writes && !vp->v_op->vop_write)
		return EROFS;
	if (vp->v_kind == S_IFSOCK && !(flags & O_PATH))
		return ENXIO;
	return 0;
}

/* vp's reference is taken over, on failure too. */
static int open_vnode(struct vnode *vp, int flags, bool created, struct file **fpp)
{
	int error = created ? 0 : check_kind(vp, flags);

	if (!error && vp->v_op->vop_open && !(flags & O_PATH)) {
		error = vp->v_op->vop_open(vp, flags & FILE_FLAGS, fpp);
		if (error != EOPNOTSUPP) {
			vrele(vp);
			return error;
		}
		error = 0;
	}
	if (!error && !created && flags & O_TRUNC && !(flags & O_PATH) && vp->v_kind == S_IFREG)
		error = vfs_truncate(vp, 0);
	if (!error)
		error = vfs_file(vp, flags & FILE_FLAGS, fpp);
	if (error)
		vrele(vp);
	return error;
}

static int open_tmpfile(struct nameidata *nd, const struct vattr *va, struct vnode **vpp)
{
	struct vnode *dvp = nd->nd_vp;
	int error;

	if (!vn_isdir(dvp))
		return ENOTDIR;
	if (!dvp->v_op->vop_create)
		return EOPNOTSUPP;
	rw_enter(&dvp->v_lock, RW_WRITER);
	error = dvp->v_op->vop_create(dvp, NULL, va, vpp);
	rw_exit(&dvp->v_lock);
	return error;
}

/* Find or make what is opened; a reference in *vpp. */
static int open_lookup(
    int dirfd, const char *path, int flags, mode_t mode, struct vnode **vpp, bool *created)
{
	struct vattr va = {.va_mode = S_IFREG | (mode & 07777 & ~vfs_umask())};
	unsigned ni = flags & O_NOFOLLOW || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)
			  ? 0
			  : NI_FOLLOW;
	struct nameidata nd;
	int error;

	do {
		error = namei(dirfd, path, ni | (flags & O_CREAT ? NI_PARENT : 0), &nd);
		if (error)
			return error;
		*created = false;
		if ((flags & O_TMPFILE) == O_TMPFILE) {
			error = open_tmpfile(&nd, &va, vpp);
			*created = !error;
		} else if (nd.nd_dvp && nd.nd_slash) {
			error = EISDIR;
		} else if (nd.nd_vp) {
			error = flags & O_CREAT && flags & O_EXCL ? EEXIST : 0;
			*vpp = nd.nd_vp;
			nd.nd_vp = error ? nd.nd_vp : NULL;
		} else {
			error = vfs_create_at(&nd, &va, vpp);
			*created = !error;
			/* Somebody else made it meanwhile: open that. */
			if (error == EEXIST && !(flags & O_EXCL))
				error = EAGAIN;
		}
		namei_done(&nd);
	} while (error == EAGAIN);
	return error;
}

int vn_open(int dirfd, const char *path, int flags, mode_t mode, struct file **fpp)
{
	struct vnode *vp;
	bool created;
	int error;

	flags &= KNOWN_FLAGS;
	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if ((flags & O_TMPFILE) == O_TMPFILE ? (flags & O_ACCMODE) == O_RDONLY || flags & O_CREAT
					     : (flags & O_CREAT && flags & O_DIRECTORY))
		return EINVAL;
	error = open_lookup(dirfd, path, flags, mode, &vp, &created);
	return error ? error : open_vnode(vp, flags, created, fpp);
}

static int open_fd(int dirfd, const char *upath, int flags, mode_t mode, int *fdp)
{
	struct pathbuf pb;
	struct file *fp;
	int error = pathbuf_in(upath, &pb);

	if (error)
		return error;
	error = vn_open(dirfd, pb.pb_path, flags, mode, &fp);
	pathbuf_done(&pb);
	if (error)
		return error;
	error = fd_alloc(fp, 0, flags & O_CLOEXEC, fdp);
	if (error)
		file_rele(fp);
	return error;
}

long do_sys_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd = 0, error = open_fd(dirfd, path, flags, mode, &fd);

	return sysret(error, fd);
}

long do_sys_open(const char *path, int flags, mode_t mode)
{
	return do_sys_openat(AT_FDCWD, path, flags, mode);
}

long do_sys_creat(const char *path, mode_t mode)
{
	return do_sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
