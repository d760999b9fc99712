/* SPDX-License-Identifier: BSD-2-Clause */
/* memfd_create(2): a file without a name.  Sealing is not there: fcntl(2) says EINVAL. */
#include <fcntl.h>
#include <sys/mman.h>
#include <vfs/vfs_kern.h>
#include <kern/file.h>
#include <kern/sysproto.h>
#include <kern/systm.h>

#define MEMFD_NAME_MAX 249 /* NAME_MAX without "memfd:" */

long do_sys_memfd_create(const char *uname, unsigned flags)
{
	char name[MEMFD_NAME_MAX + 1];
	struct file *fp;
	int fd = 0, error = flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING) ? EINVAL : 0;

	/* Nothing shows the name; it must be one all the same. */
	if (!error)
		error = copyinstr(uname, name, sizeof(name), NULL);
	if (error == ENAMETOOLONG)
		error = EINVAL;
	if (!error)
		error = vfs_tmpfile(&fp);
	if (error)
		return sysret(error, 0);
	error = fd_alloc(fp, 0, flags & MFD_CLOEXEC, &fd);
	if (error)
		file_rele(fp);
	return sysret(error, fd);
}
