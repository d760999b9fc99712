/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own use of files. */
#include <fcntl.h>
#include <vfs/vfs_kern.h>
#include <kern/kmem.h>
#include "vfs_impl.h"

bool vfs_exists(const char *path)
{
	struct nameidata nd;

	if (namei(AT_FDCWD, path, 0, &nd) != 0)
		return false;
	namei_done(&nd);
	return true;
}

int vfs_tmpfile(struct file **fpp)
{
	return vn_open(AT_FDCWD, "/", O_TMPFILE | O_RDWR, 0777, fpp);
}

/* Every directory in front of a slash of path (path itself, too, if whole). */
static int make_dirs(const char *path, mode_t mode, bool whole)
{
	struct vattr va = {.va_mode = S_IFDIR | (mode & 07777)};
	size_t len = strlen(path);
	char *buf = kmem_alloc(len + 1);
	int error = 0;

	if (!buf)
		return ENOMEM;
	for (size_t i = 1; i <= len && !error; i++) {
		if (path[i] != '/' && !(path[i] == '\0' && whole))
			continue;
		memcpy(buf, path, i);
		buf[i] = '\0';
		error = vn_create(AT_FDCWD, buf, &va, NULL);
		if (error == EEXIST)
			error = 0;
	}
	kmem_free(buf, len + 1);
	return error;
}

int vfs_mkdirs(const char *path, mode_t mode)
{
	return make_dirs(path, mode, true);
}

int vfs_mount_at(struct mount *mp, const char *path)
{
	struct nameidata nd;
	int error = vfs_mkdirs(path, 0555);

	if (!error)
		error = namei(AT_FDCWD, path, 0, &nd);
	if (error)
		return error;
	error = vfs_mount(mp, nd.nd_vp);
	if (!error)
		nd.nd_vp = NULL; /* the mount keeps it */
	namei_done(&nd);
	return error;
}

int vfs_writefile(const char *path, const void *data, size_t len, mode_t mode)
{
	struct file *fp;
	struct iovec iov;
	struct uio uio;
	int64_t off = 0;
	int error = vn_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode, &fp);

	if (error == ENOENT) {
		error = make_dirs(path, 0755, false);
		if (!error)
			error = vn_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode, &fp);
	}
	if (error)
		return error;
	uio_init1(&uio, &iov, (void *)(uintptr_t)data, len, UIO_WRITE, UIO_SYSSPACE);
	error = fp->f_ops->fo_write ? fp->f_ops->fo_write(fp, &off, &uio) : EINVAL;
	file_rele(fp);
	return error;
}
