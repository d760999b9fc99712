/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on open files of vnodes: directories, syncing, room, advice. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <kern/kmem.h>
#include <kern/sysproto.h>
#include "vfs_impl.h"

#define DIRBUF (32 * 1024)
LINK_SET_DECLARE(sync_hooks, vfs_sync_hook_t);

#define RECORD_HEAD 19 /* Linux's struct linux_dirent64: ino, off, reclen, type, name */

struct getdents {
	struct direntsink gd_sink;
	char *gd_buf;
	size_t gd_room, gd_len;
	bool gd_refused; /* an entry did not fit */
};

static bool emit_record(
    struct direntsink *ds, const struct name *name, uint64_t ino, mode_t type, int64_t next)
{
	struct getdents *gd = container_of(ds, struct getdents, gd_sink);
	size_t reclen = ROUNDUP(RECORD_HEAD + name->n_len + 1, 8);
	uint16_t reclen16 = (uint16_t)reclen;
	char *p = gd->gd_buf + gd->gd_len;

	if (reclen > gd->gd_room - gd->gd_len) {
		gd->gd_refused = true;
		return false;
	}
	memcpy(p, &ino, 8);
	memcpy(p + 8, &next, 8);
	memcpy(p + 16, &reclen16, 2);
	p[18] = (char)(type >> 12); /* IFTODT */
	memcpy(p + RECORD_HEAD, name->n_str, name->n_len);
	memset(p + RECORD_HEAD + name->n_len, 0, reclen - RECORD_HEAD - name->n_len);
	gd->gd_len += reclen;
	return true;
}

static int get_dents(struct file *fp, void *ubuf, size_t len, size_t *done)
{
	struct vnode *vp = fp->f_data;
	struct getdents gd = {.gd_sink = {emit_record}, .gd_room = KMIN(len, DIRBUF)};
	size_t room = gd.gd_room;
	int64_t off;
	int error;

	if (fp->f_flags & O_PATH)
		return EBADF;
	if (!vp->v_op->vop_readdir)
		return ENOTDIR;
	if (room < 24)
		return EINVAL;
	gd.gd_buf = kmem_alloc(room);
	if (!gd.gd_buf)
		return ENOMEM;
	mutex_enter(&fp->f_lock);
	off = fp->f_offset;
	rw_enter(&vp->v_lock, RW_READER);
	error = vp->v_op->vop_readdir(vp, &off, &gd.gd_sink);
	rw_exit(&vp->v_lock);
	if (!error && gd.gd_len == 0 && gd.gd_refused)
		error = EINVAL;
	if (!error)
		error = copyout(gd.gd_buf, ubuf, gd.gd_len);
	if (!error)
		fp->f_offset = off;
	mutex_exit(&fp->f_lock);
	kmem_free(gd.gd_buf, room);
	*done = gd.gd_len;
	return error;
}

long do_sys_getdents64(int fd, void *buf, size_t len)
{
	struct file *fp;
	size_t done = 0;
	int error = fd_gettype(fd, DTYPE_VNODE, ENOTDIR, &fp);

	if (error)
		return sysret(error, 0);
	error = get_dents(fp, buf, len, &done);
	fd_putfile(fp);
	return sysret(error, (long)done);
}

static long sync_fd(int fd)
{
	struct file *fp;
	struct vnode *vp;
	int error = fd_getfile(fd, &fp);

	if (error)
		return sysret(error, 0);
	vp = file_vnode(fp);
	if (!vp)
		error = EINVAL;
	else if (vp->v_op->vop_sync)
		error = vp->v_op->vop_sync(vp);
	fd_putfile(fp);
	return sysret(error, 0);
}

long do_sys_fsync(int fd)
{
	return sync_fd(fd);
}

long do_sys_fdatasync(int fd)
{
	return sync_fd(fd);
}

long do_sys_syncfs(int fd)
{
	return sync_fd(fd);
}

long do_sys_sync_file_range(int fd, off_t off, off_t n, unsigned flags)
{
	return off < 0 || n < 0 || flags & ~7U ? sysret(EINVAL, 0) : sync_fd(fd);
}

long do_sys_sync(void)
{
	vfs_sync_hook_t *const *hook;

	LINK_SET_FOREACH (hook, sync_hooks)
		(*hook)();
	return 0; /* files in memory are as safe as memory is */
}

static int check_fd(int fd)
{
	struct file *fp;
	int error = fd_getfile(fd, &fp);

	if (!error)
		fd_putfile(fp);
	return error;
}

/* One process: a lock of its own is never in its way. */
long do_sys_flock(int fd, int op)
{
	op &= ~LOCK_NB;
	if (op != LOCK_SH && op != LOCK_EX && op != LOCK_UN)
		return sysret(EINVAL, 0);
	return sysret(check_fd(fd), 0);
}

/* Files are in memory: advice is taken with thanks. */
static long advise(int fd, int error_if_not_file)
{
	struct vnode *vp;
	int error = vfs_fdvnode(fd, error_if_not_file, &vp);

	if (!error)
		vrele(vp);
	return sysret(error, 0);
}

long do_sys_fadvise64(int fd, off_t off, off_t len, int advice)
{
	return len < 0 || (unsigned)advice > POSIX_FADV_NOREUSE ? sysret(EINVAL, 0)
								: advise(fd, ESPIPE);
}

long do_sys_readahead(int fd, off_t off, size_t n)
{
	return advise(fd, EINVAL);
}

long do_sys_fallocate(int fd, int mode, off_t off, off_t len)
{
	struct file *fp;
	struct vnode *vp;
	int64_t end;
	int error;

	if (off < 0 || len <= 0)
		return sysret(EINVAL, 0);
	error = fd_gettype(fd, DTYPE_VNODE, ENODEV, &fp);
	if (error)
		return sysret(error, 0);
	vp = fp->f_data;
	if ((fp->f_flags & O_ACCMODE) == O_RDONLY || fp->f_flags & O_PATH)
		error = EBADF;
	else if (vp->v_kind != S_IFREG)
		error = vn_isdir(vp) ? EISDIR : ENODEV;
	else if (__builtin_add_overflow(off, len, &end))
		error = EFBIG;
	else if (!vp->v_op->vop_allocate)
		error = EOPNOTSUPP;
	else {
		rw_enter(&vp->v_lock, RW_WRITER);
		error = vp->v_op->vop_allocate(vp, mode, off, len);
		rw_exit(&vp->v_lock);
	}
	fd_putfile(fp);
	return sysret(error, 0);
}
