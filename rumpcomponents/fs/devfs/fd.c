/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/fd: the open files by number.  Opening one is as dup(2), and it reads as a link to what it
 * is, as in Linux's /proc/self/fd.  Names come and go with descriptors, so a vnode is made at each
 * lookup.
 */
#include <fcntl.h>
#include <kern/kmem.h>
#include "devfs_impl.h"

#define MAX_LISTED 65536

struct fdnode {
	struct vnode fn_vnode;
	int fn_fd; /* -1: the directory */
};

static struct mount fd_mount = {.mnt_nocache = true};
static POOL_DEFINE(fdnode_pool, sizeof(struct fdnode), "fdnode");

static struct fdnode *VTOF(struct vnode *vp)
{
	return container_of(vp, struct fdnode, fn_vnode);
}

static int fd_getattr(struct vnode *vp, struct stat *st)
{
	st->st_ino = (uint64_t)(VTOF(vp)->fn_fd + 2);
	st->st_mode = vp->v_kind | (vn_isdir(vp) ? 0555 : 0666);
	st->st_nlink = vn_isdir(vp) ? 2 : 1;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

static int node_open(struct vnode *vp, int flags, struct file **fpp)
{
	int error = fd_getfile(VTOF(vp)->fn_fd, fpp), have, want = flags & O_ACCMODE;

	if (error)
		return error == EBADF ? ENXIO : error;
	have = (int)(*fpp)->f_flags & O_ACCMODE;
	if (have == O_RDWR || have == want)
		return 0; /* the reference becomes the new descriptor's */
	fd_putfile(*fpp);
	return EACCES;
}

static int file_path(struct file *fp, char *to, size_t *len)
{
	char *buf = kmem_alloc(VFS_PATH_MAX), *path;
	int error = buf ? vfs_pathname(fp->f_data, buf, &path) : ENOMEM;

	if (!error) {
		*len = KMIN(*len, strlen(path));
		memcpy(to, path, *len);
	}
	if (buf)
		kmem_free(buf, VFS_PATH_MAX);
	return error;
}

/* Names as Linux has them. */
static int node_readlink(struct vnode *vp, char *buf, size_t *len)
{
	static const char *const names[] = {
	    [DTYPE_SOCKET] = "socket:[%llu]",
	    [DTYPE_PIPE] = "pipe:[%llu]",
	    [DTYPE_EVENTFD] = "anon_inode:[eventfd]",
	    [DTYPE_EPOLL] = "anon_inode:[eventpoll]",
	    [DTYPE_TIMERFD] = "anon_inode:[timerfd]",
	    [DTYPE_SIGNALFD] = "anon_inode:[signalfd]",
	    [DTYPE_CONSOLE] = "/dev/console",
	};
	struct stat st = {.st_ino = 0};
	struct file *fp;
	char name[48];
	int error = fd_getfile(VTOF(vp)->fn_fd, &fp);

	if (error)
		return ENOENT;
	if (fp->f_type == DTYPE_VNODE) {
		error = file_path(fp, buf, len);
	} else if (fp->f_type >= (int)NELEM(names) || !names[fp->f_type]) {
		error = ENOENT;
	} else {
		if (fp->f_ops->fo_stat)
			(void)fp->f_ops->fo_stat(fp, &st);
		ksnprintf(name, sizeof(name), names[fp->f_type], (unsigned long long)st.st_ino);
		*len = KMIN(*len, strlen(name));
		memcpy(buf, name, *len);
	}
	fd_putfile(fp);
	return error;
}

static void node_reclaim(struct vnode *vp)
{
	pool_put(&fdnode_pool, VTOF(vp));
}

static const struct vnodeops node_ops = {
    .vop_getattr = fd_getattr,
    .vop_open = node_open,
    .vop_readlink = node_readlink,
    .vop_reclaim = node_reclaim,
};

static int fd_lookup(struct vnode *dvp, const struct name *name, struct vnode **vpp)
{
	struct fdnode *fn;
	struct file *fp;
	int fd = 0;

	if (name->n_len > 7 || (name->n_str[0] == '0' && name->n_len > 1))
		return ENOENT;
	for (unsigned i = 0; i < name->n_len; i++) {
		if (name->n_str[i] < '0' || name->n_str[i] > '9')
			return ENOENT;
		fd = fd * 10 + (name->n_str[i] - '0');
	}
	if (fd_getfile(fd, &fp) != 0)
		return ENOENT;
	fd_putfile(fp);
	fn = pool_zget(&fdnode_pool);
	if (!fn)
		return ENOMEM;
	vnode_init(&fn->fn_vnode, &node_ops, &fd_mount, S_IFCHR);
	/* Reading the link walks up directories with it held; nobody removes it with one held. */
	LOCKDEBUG_RW_CLASS(&fn->fn_vnode.v_lock, "v_lock of descriptors");
	fn->fn_fd = fd;
	*vpp = &fn->fn_vnode;
	return 0;
}

static int fd_readdir(struct vnode *vp, int64_t *off, struct direntsink *ds)
{
	for (; *off < MAX_LISTED; ++*off) {
		char buf[8];
		struct name name = {buf, 0};
		struct file *fp;
		int fd = (int)*off - 2;

		if (fd < 0)
			name = (struct name){"..", (unsigned)*off + 1};
		else if (fd_getfile(fd, &fp) != 0)
			continue;
		else {
			fd_putfile(fp);
			name.n_len = (unsigned)ksnprintf(buf, sizeof(buf), "%d", fd);
		}
		if (!ds->ds_emit(
			ds, &name, (uint64_t)KMAX(fd + 2, 1), fd < 0 ? S_IFDIR : S_IFCHR, *off + 1))
			return 0;
	}
	return 0;
}

static const struct vnodeops dir_ops = {
    .vop_lookup = fd_lookup,
    .vop_readdir = fd_readdir,
    .vop_getattr = fd_getattr,
};

static struct fdnode fd_root = {.fn_fd = -1};

int devfs_fd_mount(void)
{
	vnode_init(&fd_root.fn_vnode, &dir_ops, &fd_mount, S_IFDIR);
	fd_mount.mnt_root = &fd_root.fn_vnode;
	return vfs_mount_at(&fd_mount, "/dev/fd");
}
