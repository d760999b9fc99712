/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of /etc that libc's own functions read (passwd(5), group(5), hosts(5)), for programs
 * that call one of these.  What an image brings is left as it is.
 */
#include <errno.h>
#include <kern/proc.h>
#include <kern/systm.h>
#include <vfs/mount.h>
#include <vfs/vfs_kern.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
static const char group[] = "root:x:0:\nnogroup:x:65534:\n";

/* An image may have anything at that path, also a file where a directory should be. */
static int leave(const char *path, const char *text, size_t len)
{
	return !vfs_exists(path) && vfs_writefile(path, text, len, 0644) == ENOMEM ? ENOMEM : 0;
}

static int etc_start(void)
{
	char hosts[128];
	int len = ksnprintf(
	    hosts, sizeof(hosts), "127.0.0.1\tlocalhost\n127.0.1.1\t%s\n", proc_hostname());
	int error = leave("/etc/passwd", passwd, sizeof(passwd) - 1);

	if (!error)
		error = leave("/etc/group", group, sizeof(group) - 1);
	return error ? error : leave("/etc/hosts", hosts, (size_t)len);
}
VFS_FILESYSTEM(etc, VFS_STAGE_MORE, etc_start);
