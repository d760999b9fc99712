/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfs over tmpfs: what t_vfs_linux cannot compare: limits of paths, the name cache, directories
 * that are gone, positions in directories, pages that are mapped or being sent, and want of memory.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <kern/kmem.h>
#include <kern/sysproto.h>

#include "check_main.h"
#include "desc_impl.h"
#include "fdworld.h"
#include "tmpfs_impl.h"
#include "vfs_impl.h"

static void setup(void)
{
	ck_assert_int_eq(native_components(), 0);
}

static int open_file(const char *path, int flags)
{
	long fd = do_sys_open(path, flags, 0644);

	ck_assert_msg(fd >= 0, "%s: %ld", path, fd);
	return (int)fd;
}

static void make(const char *path)
{
	ck_assert_int_eq(do_sys_close(open_file(path, O_CREAT | O_EXCL | O_WRONLY)), 0);
}

static long look(const char *path)
{
	struct stat st;

	return do_sys_lstat(path, &st);
}

static struct stat stat_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(do_sys_lstat(path, &st), 0);
	return st;
}

/* ------------------------------------------------------------------- paths */

START_TEST(vfs_names_and_paths_have_limits)
{
	char name[300] = "/", path[5000];

	memset(name + 1, 'n', 256);
	ck_assert_int_eq(do_sys_mkdir(name, 0755), -ENAMETOOLONG);
	ck_assert_int_eq(look(name), -ENAMETOOLONG);
	strcat(name, "/x"); /* in the middle, too */
	ck_assert_int_eq(look(name), -ENAMETOOLONG);
	name[256] = '\0';
	ck_assert_int_eq(do_sys_mkdir(name, 0755), 0);
	ck_assert_int_eq(look(name), 0);
	memset(path, '/', sizeof(path));
	path[4095] = '\0';
	ck_assert_int_eq(look(path), 0);
	path[4095] = '/';
	path[4096] = '\0';
	ck_assert_int_eq(look(path), -ENAMETOOLONG);
	ck_assert_int_eq(look(""), -ENOENT);
	ck_assert_int_eq(look((char *)8), -EFAULT);
	/* Neither of two paths may be bad, and nothing is kept of the good one. */
	ck_assert_int_eq(do_sys_rename(name, path), -ENAMETOOLONG);
	ck_assert_int_eq(do_sys_rename(path, name), -ENAMETOOLONG);
	ck_assert_int_eq(do_sys_link(name, (char *)8), -EFAULT);
	ck_assert_int_eq(do_sys_symlink(path, "/l"), -ENAMETOOLONG);
	ck_assert_int_eq(do_sys_symlink("", "/l"), -ENOENT);
}
END_TEST

START_TEST(vfs_symlinks_are_bounded)
{
	char from[8], to[8], text[4096], got[4096];

	ck_assert_int_eq(do_sys_symlink("self", "/self"), 0);
	ck_assert_int_eq(do_sys_open("/self", O_RDONLY, 0), -ELOOP);
	ck_assert_int_eq(do_sys_open("/self/x", O_RDONLY, 0), -ELOOP);
	ck_assert_int_eq(do_sys_open("/self", O_CREAT | O_WRONLY, 0644), -ELOOP);
	ck_assert_int_eq(look("/self"), 0);
	make("/l0");
	for (int i = 1; i <= 41; i++) {
		snprintf(to, sizeof(to), "l%d", i - 1);
		snprintf(from, sizeof(from), "/l%d", i);
		ck_assert_int_eq(do_sys_symlink(to, from), 0);
	}
	ck_assert_int_ge(do_sys_open("/l40", O_RDONLY, 0), 0); /* Linux's 40 */
	ck_assert_int_eq(do_sys_open("/l41", O_RDONLY, 0), -ELOOP);
	/* Its text is at most a path long, and with what follows it no longer. */
	memset(text, '/', sizeof(text));
	text[4095] = '\0';
	ck_assert_int_eq(do_sys_symlink(text, "/long"), 0);
	ck_assert_int_eq(do_sys_open("/long", O_PATH, 0) >= 0, 1);
	ck_assert_int_eq(look("/long/x"), -ENAMETOOLONG);
	ck_assert_int_eq(look("/long/"), -ENAMETOOLONG);
	ck_assert_int_eq(do_sys_readlink("/long", got, sizeof(got)), 4095);
	ck_assert_int_eq(memcmp(got, text, 4095), 0);
	ck_assert_int_eq(do_sys_readlink("/l1", got, 1), 1);
	ck_assert_int_eq(got[0], 'l');
	ck_assert_int_eq(do_sys_readlink("/l1", got, 0), -EINVAL);
	ck_assert_int_eq(do_sys_readlink("/l0", got, 9), -EINVAL);
}
END_TEST

START_TEST(vfs_relative_paths_start_at_the_descriptor)
{
	static const struct fileops ops;
	int dir, file, other;

	ck_assert_int_eq(do_sys_mkdir("/d", 0755), 0);
	make("/d/f");
	dir = open_file("/d", O_RDONLY);
	file = open_file("/d/f", O_RDONLY);
	ck_assert_int_eq(fd_open(&ops, DTYPE_MISC, O_RDWR, NULL, &other), 0);
	ck_assert_int_ge(do_sys_openat(dir, "f", O_RDONLY, 0), 0);
	ck_assert_int_ge(do_sys_openat(dir, "../d/./f", O_RDONLY, 0), 0);
	ck_assert_int_eq(do_sys_openat(file, "f", O_RDONLY, 0), -ENOTDIR);
	ck_assert_int_eq(do_sys_openat(other, "f", O_RDONLY, 0), -ENOTDIR);
	ck_assert_int_eq(do_sys_openat(999, "f", O_RDONLY, 0), -EBADF);
	ck_assert_int_ge(do_sys_openat(999, "/d/f", O_RDONLY, 0), 0);
	ck_assert_int_eq(do_sys_openat(dir, "", O_RDONLY, 0), -ENOENT);
	ck_assert_int_eq(do_sys_fchdir(file), -ENOTDIR);
	ck_assert_int_eq(do_sys_chdir("/d/f"), -ENOTDIR);
	ck_assert_int_eq(do_sys_fchdir(dir), 0);
	ck_assert_int_eq(look("f"), 0);
	ck_assert_int_eq(look("../../../d/f"), 0); /* the root is its own parent */
}
END_TEST

START_TEST(vfs_open_checks_what_it_finds)
{
	static const struct {
		const char *path;
		int flags, result;
	} cases[] = {
	    {"/d", O_WRONLY, EISDIR},
	    {"/d", O_RDONLY | O_TRUNC, EISDIR},
	    {"/d", O_RDONLY | O_CREAT, EISDIR},
	    {"/d", O_RDONLY | O_CREAT | O_DIRECTORY, EINVAL},
	    {"/f", O_RDONLY | O_DIRECTORY, ENOTDIR},
	    {"/l", O_RDONLY | O_NOFOLLOW, ELOOP},
	    {"/l", O_RDONLY | O_NOFOLLOW | O_DIRECTORY, ENOTDIR},
	    {"/l", O_PATH | O_NOFOLLOW, 0},
	    {"/l", O_WRONLY | O_CREAT | O_EXCL, EEXIST},
	    {"/", O_RDONLY | O_CREAT | O_EXCL, EEXIST},
	    {"/dangling", O_RDONLY, ENOENT},
	    {"/dangling", O_WRONLY | O_CREAT | O_EXCL, EEXIST},
	    {"/dangling", O_WRONLY | O_CREAT, 0}, /* makes what it leads to */
	    {"/d/new", O_RDONLY, 0},
	    {"/d", O_TMPFILE | O_RDONLY, EINVAL},
	    {"/f", O_TMPFILE | O_RDWR, ENOTDIR},
	    {"/none", O_TMPFILE | O_RDWR, ENOENT},
	    {"/s", O_RDWR, ENXIO},
	    {"/s", O_PATH, 0},
	    {"/c", O_RDWR, ENXIO},
	};

	ck_assert_int_eq(do_sys_mkdir("/d", 0755), 0);
	make("/f");
	ck_assert_int_eq(do_sys_symlink("f", "/l"), 0);
	ck_assert_int_eq(do_sys_symlink("d/new", "/dangling"), 0);
	ck_assert_int_eq(do_sys_mknod("/s", S_IFSOCK | 0644, 0), 0);
	ck_assert_int_eq(do_sys_mknod("/c", S_IFCHR | 0644, 0x123), 0);
	ck_assert_int_eq(do_sys_mknod("/x", S_IFDIR | 0644, 0), -EPERM);
	ck_assert_int_eq(do_sys_mknod("/x", S_IFLNK | 0644, 0), -EINVAL);
	for (unsigned i = 0; i < NELEM(cases); i++) {
		long fd = do_sys_open(cases[i].path, cases[i].flags, 0644);
		if (fd < 0 ? fd != -cases[i].result : cases[i].result != 0)
			ck_abort_msg("%s %#o: %ld", cases[i].path, cases[i].flags, fd);
		if (fd >= 0)
			ck_assert_int_eq(do_sys_close((int)fd), 0);
	}
}
END_TEST

/* -------------------------------------------------------------- name cache */

START_TEST(vfs_cache_knows_what_changed)
{
	char path[32], longer[64];

	ck_assert_int_eq(look("/a"), -ENOENT); /* known to be absent */
	make("/a");
	ck_assert_int_eq(look("/a"), 0);
	ck_assert_int_eq(do_sys_rename("/a", "/b"), 0);
	ck_assert_int_eq(look("/a"), -ENOENT);
	ck_assert_int_eq(look("/b"), 0);
	ck_assert_int_eq(do_sys_link("/b", "/a"), 0);
	ck_assert_uint_eq(stat_of("/a").st_ino, stat_of("/b").st_ino);
	ck_assert_int_eq(do_sys_unlink("/a"), 0);
	ck_assert_int_eq(look("/a"), -ENOENT);
	/* A directory that comes after another of its name does not inherit what was in it. */
	ck_assert_int_eq(do_sys_mkdir("/d", 0755), 0);
	make("/d/x");
	ck_assert_int_eq(look("/d/y"), -ENOENT);
	ck_assert_int_eq(do_sys_unlink("/d/x"), 0);
	ck_assert_int_eq(do_sys_rmdir("/d"), 0);
	ck_assert_int_eq(do_sys_mkdir("/d", 0755), 0);
	ck_assert_int_eq(look("/d/x"), -ENOENT);
	/* More names than it holds, and names longer than it takes. */
	memset(longer, 'q', 50);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 700; i++) {
			snprintf(path, sizeof(path), "/d/%d", i);
			if (round == 0)
				make(path);
			else
				ck_assert_int_eq(do_sys_unlink(path), 0);
			snprintf(longer + 50, 14, "%d", i);
			ck_assert_int_eq(look(longer), -ENOENT);
		}
		for (int i = 0; i < 700; i += 13) {
			snprintf(path, sizeof(path), "/d/%d", i);
			ck_assert_int_eq(look(path), round == 0 ? 0 : -ENOENT);
		}
	}
}
END_TEST

/* ------------------------------------------------------------- directories */

START_TEST(vfs_getcwd_follows_the_directory)
{
	char buf[64], small[5];

	ck_assert_int_eq(do_sys_getcwd(buf, sizeof(buf)), 2);
	ck_assert_str_eq(buf, "/");
	ck_assert_int_eq(do_sys_mkdir("/one", 0755), 0);
	ck_assert_int_eq(do_sys_mkdir("/one/two", 0755), 0);
	ck_assert_int_eq(do_sys_chdir("one/two"), 0);
	ck_assert_int_eq(do_sys_rename("/one", "/.1"), 0);
	ck_assert_int_eq(do_sys_getcwd(buf, sizeof(buf)), 8);
	ck_assert_str_eq(buf, "/.1/two");
	ck_assert_int_eq(do_sys_getcwd(small, sizeof(small)), -ERANGE);
	ck_assert_int_eq(do_sys_getcwd(buf, 7), -ERANGE);
	ck_assert_int_eq(do_sys_getcwd((char *)8, 100), -EFAULT);
	native_alloc_fail(0);
	ck_assert_int_eq(do_sys_getcwd(buf, sizeof(buf)), -ENOMEM);
}
END_TEST

START_TEST(vfs_removed_directory_is_empty_for_good)
{
	char buf[256];
	int fd;

	ck_assert_int_eq(do_sys_mkdir("/d", 0755), 0);
	ck_assert_int_eq(do_sys_chdir("/d"), 0);
	fd = open_file(".", O_RDONLY);
	ck_assert_int_eq(do_sys_rmdir("/d"), 0);
	ck_assert_int_eq(do_sys_getcwd(buf, sizeof(buf)), -ENOENT);
	ck_assert_int_eq(do_sys_open("f", O_CREAT | O_WRONLY, 0644), -ENOENT);
	ck_assert_int_eq(do_sys_mkdir("e", 0755), -ENOENT);
	ck_assert_int_eq(do_sys_symlink("x", "e"), -ENOENT);
	ck_assert_int_eq(look(".."), -ENOENT);
	ck_assert_int_eq(look("."), 0);
	make("/f");
	ck_assert_int_eq(do_sys_link("/f", "f"), -ENOENT);
	ck_assert_int_eq(do_sys_rename("/f", "f"), -ENOENT);
	ck_assert_int_le(do_sys_getdents64(fd, buf, sizeof(buf)), 0);
	ck_assert_int_eq(do_sys_mkdir("/d", 0755), 0); /* its name is free for another */
	ck_assert_int_eq(look(".."), -ENOENT);
	ck_assert_int_eq(stat_of(".").st_nlink, 0);
}
END_TEST

struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

/* Read on, with `room` bytes at a time; each name's number is counted.  How many there were. */
static unsigned list(int fd, size_t room, unsigned seen[], unsigned most)
{
	char buf[2048];
	unsigned n = 0;
	long len;

	while (n < most && (len = do_sys_getdents64(fd, buf, room)) > 0) {
		for (long at = 0; at < len; n++) {
			struct entry *e = (struct entry *)(buf + at);
			at += e->reclen;
			if (e->name[0] == 'f')
				seen[atoi(e->name + 1)]++;
		}
	}
	ck_assert_int_ge(len, 0);
	return n;
}

START_TEST(vfs_readdir_sees_what_stays_once)
{
	unsigned seen[300] = {0}, n;
	char path[32];
	int fd;

	ck_assert_int_eq(do_sys_mkdir("/d", 0755), 0);
	for (int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "/d/f%d", i);
		make(path);
	}
	fd = open_file("/d", O_RDONLY);
	n = list(fd, 100, seen, 90);
	ck_assert_uint_ge(n, 90);
	for (int i = 0; i < 200; i += 2) { /* half of them go, others come */
		snprintf(path, sizeof(path), "/d/f%d", i);
		ck_assert_int_eq(do_sys_unlink(path), 0);
		snprintf(path, sizeof(path), "/d/f%d", 200 + i / 2);
		make(path);
	}
	(void)list(fd, 100, seen, 1000);
	for (int i = 0; i < 300; i++) {
		if (i % 2 && i < 200)
			ck_assert_uint_eq(seen[i], 1);
		else
			ck_assert_uint_le(seen[i], 1);
	}
	ck_assert_int_eq(do_sys_lseek(fd, 0, SEEK_SET), 0);
	ck_assert_uint_eq(list(fd, 2048, seen, 1000), 202);
	ck_assert_uint_eq(list(fd, 2048, seen, 1000), 0);
}
END_TEST

START_TEST(vfs_getdents_arguments)
{
	char buf[64];
	int dir, file;

	ck_assert_int_eq(do_sys_mkdir("/d", 0755), 0);
	make("/d/a-name-that-takes-more-room");
	dir = open_file("/d", O_RDONLY);
	file = open_file("/d/a-name-that-takes-more-room", O_RDONLY);
	ck_assert_int_eq(do_sys_getdents64(file, buf, sizeof(buf)), -ENOTDIR);
	ck_assert_int_eq(do_sys_getdents64(open_file("/d", O_PATH), buf, sizeof(buf)), -EBADF);
	ck_assert_int_eq(do_sys_getdents64(dir, buf, 23), -EINVAL);
	ck_assert_int_eq(do_sys_getdents64(dir, (void *)8, 64), -EFAULT);
	ck_assert_int_eq(do_sys_getdents64(dir, buf, 24), 24); /* and nothing was lost by it */
	ck_assert_str_eq(buf + 19, ".");
	ck_assert_int_eq(do_sys_getdents64(dir, buf, 24), 24);
	/* What does not fit is no end of the directory. */
	ck_assert_int_eq(do_sys_getdents64(dir, buf, 40), -EINVAL);
	ck_assert_int_eq(do_sys_getdents64(dir, buf, 64), 48);
	ck_assert_int_eq(do_sys_getdents64(dir, buf, 64), 0);
	ck_assert_int_eq(do_sys_read(dir, buf, 1), -EISDIR);
}
END_TEST

START_TEST(vfs_rename_keeps_trees)
{
	ck_assert_int_eq(do_sys_mkdir("/a", 0755), 0);
	ck_assert_int_eq(do_sys_mkdir("/a/b", 0755), 0);
	ck_assert_int_eq(do_sys_mkdir("/c", 0755), 0);
	make("/c/f");
	ck_assert_int_eq(do_sys_rename("/a", "/a/b/x"), -EINVAL);
	ck_assert_int_eq(do_sys_rename("/a", "/a/b"), -EINVAL);
	ck_assert_int_eq(do_sys_rename("/a/b", "/a"), -ENOTEMPTY);
	ck_assert_int_eq(do_sys_renameat2(AT_FDCWD, "/a/b", AT_FDCWD, "/a", 2), -EINVAL);
	ck_assert_int_eq(do_sys_renameat2(AT_FDCWD, "/a", AT_FDCWD, "/c", 3), -EINVAL);
	ck_assert_int_eq(do_sys_renameat2(AT_FDCWD, "/a", AT_FDCWD, "/c", 4), -EINVAL);
	ck_assert_int_eq(do_sys_renameat2(AT_FDCWD, "/a/b", AT_FDCWD, "/c/f", 2), 0);
	ck_assert_int_eq(stat_of("/a").st_nlink, 2);
	ck_assert_int_eq(stat_of("/c").st_nlink, 3);
	ck_assert(S_ISREG(stat_of("/a/b").st_mode));
	/* ".." leads to where the directory is now. */
	ck_assert_uint_eq(stat_of("/c/f/..").st_ino, stat_of("/c").st_ino);
	ck_assert_int_eq(do_sys_rename("/", "/x"), -EBUSY);
	ck_assert_int_eq(do_sys_rename("/a/.", "/x"), -EBUSY);
	/* Two names of one file: nothing happens, both stay (POSIX). */
	ck_assert_int_eq(do_sys_link("/a/b", "/hard"), 0);
	ck_assert_int_eq(do_sys_rename("/a/b", "/hard"), 0);
	ck_assert_int_eq(stat_of("/a/b").st_nlink, 2);
}
END_TEST

/* ------------------------------------------------------------------- files */

START_TEST(vfs_unlinked_file_lives_while_it_is_open)
{
	size_t live;
	char buf[4];
	int fd;

	make("/warm");
	ck_assert_int_eq(do_sys_unlink("/warm"), 0);
	cache_purge_vnode(vfs_root);
	live = native_alloc_live();
	fd = open_file("/f", O_CREAT | O_RDWR);
	ck_assert_int_eq(do_sys_write(fd, "data", 4), 4);
	ck_assert_int_eq(do_sys_unlink("/f"), 0);
	ck_assert_int_eq(do_sys_pread64(fd, buf, 4, 0), 4);
	ck_assert_int_eq(memcmp(buf, "data", 4), 0);
	/* It can have a name again through its descriptor, as one of O_TMPFILE can. */
	ck_assert_int_eq(do_sys_linkat(fd, "", AT_FDCWD, "/g", AT_EMPTY_PATH), 0);
	ck_assert_int_eq(stat_of("/g").st_nlink, 1);
	ck_assert_int_eq(do_sys_unlink("/g"), 0);
	ck_assert_int_eq(do_sys_close(fd), 0);
	fd = open_file("/", O_TMPFILE | O_RDWR);
	ck_assert_int_eq(do_sys_write(fd, "data", 4), 4);
	ck_assert_int_eq(do_sys_close(fd), 0);
	cache_purge_vnode(vfs_root);
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

START_TEST(vfs_transfer_breaks_off_at_a_bad_address)
{
	static char buf[3 * PAGE_SIZE] __attribute__((aligned(4096)));
	char back[PAGE_SIZE];
	int fd = open_file("/f", O_CREAT | O_RDWR);

	memset(buf, 'x', sizeof(buf));
	native_bad_range(buf + PAGE_SIZE + 10, 1);
	/* The whole pages before it are written; Linux, too, says how much. */
	ck_assert_int_eq(do_sys_write(fd, buf, sizeof(buf)), PAGE_SIZE);
	ck_assert_int_eq(do_sys_lseek(fd, 0, SEEK_CUR), PAGE_SIZE);
	ck_assert_int_eq(do_sys_write(fd, buf + PAGE_SIZE, 100), -EFAULT);
	ck_assert_int_eq(do_sys_lseek(fd, 0, SEEK_CUR), PAGE_SIZE);
	ck_assert_int_eq(stat_of("/f").st_size, PAGE_SIZE);
	native_bad_range(NULL, 0);
	/* What was copied before the fault does not turn up when the file grows. */
	ck_assert_int_eq(do_sys_ftruncate(fd, 2 * PAGE_SIZE), 0);
	ck_assert_int_eq(do_sys_pread64(fd, back, PAGE_SIZE, PAGE_SIZE), PAGE_SIZE);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		ck_assert(back[i] == 0);
	native_bad_range(buf + PAGE_SIZE, 1);
	ck_assert_int_eq(do_sys_pread64(fd, buf, 2 * PAGE_SIZE, 0), PAGE_SIZE);
	ck_assert_int_eq(do_sys_pread64(fd, buf + PAGE_SIZE, 1, 0), -EFAULT);
}
END_TEST

START_TEST(vfs_offsets_have_limits)
{
	int fd = open_file("/f", O_CREAT | O_RDWR), rd = open_file("/f", O_RDONLY);

	ck_assert_int_eq(do_sys_pwrite64(fd, "x", 1, INT64_MAX), -EFBIG);
	ck_assert_int_eq(do_sys_pwrite64(fd, "x", 1, INT64_MAX - 1), -EFBIG);
	ck_assert_int_eq(do_sys_ftruncate(fd, INT64_MAX), -EFBIG);
	ck_assert_int_eq(do_sys_ftruncate(fd, -1), -EINVAL);
	ck_assert_int_eq(do_sys_ftruncate(rd, 0), -EINVAL);
	ck_assert_int_eq(do_sys_truncate("/", 0), -EISDIR);
	ck_assert_int_eq(do_sys_lseek(fd, INT64_MAX, SEEK_SET), INT64_MAX);
	ck_assert_int_eq(do_sys_lseek(fd, 1, SEEK_CUR), -EOVERFLOW);
	ck_assert_int_eq(do_sys_write(fd, "x", 1), -EFBIG);
	ck_assert_int_eq(do_sys_lseek(fd, -1, SEEK_SET), -EINVAL);
	ck_assert_int_eq(do_sys_lseek(fd, 0, SEEK_DATA), -ENXIO);
	ck_assert_int_eq(do_sys_fallocate(fd, 0, INT64_MAX, 1), -EFBIG);
	ck_assert_int_eq(do_sys_fallocate(rd, 0, 0, 1), -EBADF);
	/* A hole as large as files get is punched at once. */
	ck_assert_int_eq(do_sys_pwrite64(fd, "x", 1, 1LL << 60), 1);
	ck_assert_int_eq(do_sys_pwrite64(fd, "y", 1, 5), 1);
	ck_assert_int_eq(do_sys_fallocate(fd, 3, 6, 1LL << 60), 0);
	ck_assert_int_eq(stat_of("/f").st_size, (1LL << 60) + 1);
	ck_assert_int_eq(stat_of("/f").st_blocks, 2 * 8);
	ck_assert_int_eq(do_sys_fallocate(fd, 3, 0, 1LL << 61), 0);
	ck_assert_int_le(stat_of("/f").st_blocks, 2 * 8);
}
END_TEST

START_TEST(vfs_full_file_system_is_enospc)
{
	static char buf[64 * PAGE_SIZE];
	int fd = open_file("/f", O_CREAT | O_RDWR);

	tmpfs_limit = 10;
	ck_assert_int_eq(do_sys_write(fd, buf, sizeof(buf)), 10 * (long)PAGE_SIZE);
	ck_assert_int_eq(do_sys_write(fd, buf, 1), -ENOSPC);
	ck_assert_int_eq(do_sys_fallocate(fd, 0, 0, sizeof(buf)), -ENOSPC);
	ck_assert_int_eq(stat_of("/f").st_size, 10 * (long)PAGE_SIZE);
	ck_assert_int_eq(do_sys_ftruncate(fd, 9 * PAGE_SIZE), 0);
	ck_assert_int_eq(do_sys_pwrite64(fd, buf, 1, 0), 1);
	ck_assert_int_eq(do_sys_pwrite64(fd, buf, 1, 20 * PAGE_SIZE), 1);
	ck_assert_int_eq(do_sys_unlink("/f"), 0);
	ck_assert_int_eq(do_sys_close(fd), 0);
	ck_assert_uint_eq(tmpfs_used, 0);
}
END_TEST

/* Names, nodes, links and holes take memory, too: a loop that makes them comes to an end. */
START_TEST(vfs_full_of_names_is_enospc)
{
	static const char *const what[] = {"file", "directory", "link", "symbolic link", "holes"};
	uint64_t before = tmpfs_bytes;
	char name[64], target[200];
	long r = 0;
	int fd;

	memset(target, 't', sizeof(target));
	target[sizeof(target) - 1] = '\0';
	tmpfs_limit = 50;
	for (unsigned k = 0; k < NELEM(what); k++) {
		unsigned n;

		ck_assert_int_eq(do_sys_mkdir("/d", 0755), 0);
		fd = open_file("/d/first", O_CREAT | O_RDWR);
		for (n = 0; n < 10000; n++) {
			snprintf(name, sizeof(name), "/d/%u", n);
			r = k == 0   ? do_sys_mknod(name, S_IFREG | 0644, 0)
			    : k == 1 ? do_sys_mkdir(name, 0755)
			    : k == 2 ? do_sys_link("/d/first", name)
			    : k == 3 ? do_sys_symlink(target, name)
				     : do_sys_pwrite64(fd, "x", 1, (off_t)n << 40);
			if (r < 0)
				break;
		}
		ck_assert_msg(r == -ENOSPC, "%s: %ld after %u", what[k], r, n);
		ck_assert_msg(n >= 20, "%s: %u", what[k], n);
		ck_assert_uint_le(tmpfs_left(), 1); /* the last may have taken back what it had */
		/* What gives as much as it takes is done; and room that is made is there. */
		ck_assert_int_eq(do_sys_rename("/d/first", "/d/with a longer name"), 0);
		ck_assert_int_eq(do_sys_rename("/d/with a longer name", "/d/first"), 0);
		ck_assert_int_eq(do_sys_ftruncate(fd, 0), 0);
		while (k != 4 && n-- > 0) {
			snprintf(name, sizeof(name), "/d/%u", n);
			ck_assert_int_eq(k == 1 ? do_sys_rmdir(name) : do_sys_unlink(name), 0);
		}
		ck_assert_int_eq(do_sys_unlink("/d/first"), 0);
		ck_assert_int_eq(do_sys_close(fd), 0);
		ck_assert_int_eq(do_sys_rmdir("/d"), 0);
		cache_purge_vnode(vfs_root);
		ck_assert_uint_le(tmpfs_bytes, before + 64); /* the root's table */
		ck_assert_uint_eq(tmpfs_used, 0);
	}
}
END_TEST

/* A page that is mapped, or being sent, outlives its place in the file. */
START_TEST(vfs_pages_in_use_outlive_the_file)
{
	struct file_extent ext;
	struct vm_object *obj;
	uint64_t pa, again;
	struct file *fp;
	int fd = open_file("/f", O_CREAT | O_RDWR);

	ck_assert_int_eq(do_sys_write(fd, "mapped", 6), 6);
	ck_assert_int_eq(fd_getfile(fd, &fp), 0);
	ck_assert_int_eq(fp->f_ops->fo_mmap(fp, 0, PAGE_SIZE, 3, 1, &obj), 0);
	ck_assert_int_eq(obj->vo_ops->vo_getpage(obj, 0, true, &pa), 0);
	ck_assert_int_eq(obj->vo_ops->vo_getpage(obj, PAGE_SIZE, true, &again), EFBIG);
	ck_assert_int_eq(fp->f_ops->fo_peek(fp, 0, 100, &ext), 0);
	ck_assert_uint_eq(ext.fe_len, 6);
	/* What a mapping writes behind the end is not part of the file. */
	memcpy((char *)page_va(pa) + 6, "junk", 4);
	ck_assert_int_eq(do_sys_ftruncate(fd, 10), 0);
	ck_assert_int_eq(memcmp(page_va(pa), "mapped\0\0\0\0", 10), 0);
	memcpy((char *)page_va(pa) + 10, "junk", 4);
	ck_assert_int_eq(do_sys_pwrite64(fd, "x", 1, 20), 1);
	ck_assert_int_eq(memcmp((char *)page_va(pa) + 10, "\0\0\0\0\0\0\0\0\0\0x", 11), 0);
	ck_assert_int_eq(do_sys_ftruncate(fd, 0), 0);
	ck_assert_int_eq(do_sys_pwrite64(fd, "other", 5, 0), 5);
	ck_assert_int_eq(memcmp(ext.fe_addr, "mapped", 6), 0);
	ck_assert_int_eq(obj->vo_ops->vo_getpage(obj, 0, false, &again), 0);
	ck_assert_uint_ne(again, pa);
	ck_assert_int_eq(memcmp(page_va(again), "other", 5), 0);
	fd_putfile(fp);
	ck_assert_int_eq(do_sys_close(fd), 0);
	ck_assert_int_eq(do_sys_unlink("/f"), 0);
	obj->vo_ops->vo_putpage(obj, 0, again, true);
	memset(page_va(pa), 1, PAGE_SIZE); /* ASan looks whether it is still there */
	obj->vo_ops->vo_putpage(obj, 0, pa, true);
	obj->vo_ops->vo_rele(obj);
	ck_assert_int_eq(memcmp(ext.fe_addr, "\1\1", 2), 0);
	ext.fe_release(ext.fe_arg);
	ck_assert_uint_eq(tmpfs_used, 0);
}
END_TEST

/* ------------------------------------------------------------------ memory */

static long use_everything(void)
{
	char longpath[300] = "/d/", buf[2 * PAGE_SIZE + 1];
	struct stat st;
	long r, fd = -1, rmdir;

	memset(longpath + 3, 'p', 200);
	memset(buf, 'b', sizeof(buf));
	r = do_sys_mkdir("/d", 0755);
	if (r == 0)
		r = fd = do_sys_open(longpath, O_CREAT | O_RDWR, 0644);
	if (r >= 0)
		r = do_sys_write((int)fd, buf, sizeof(buf));
	if (r >= 0 && r < (long)sizeof(buf))
		r = -ENOSPC;
	if (r >= 0)
		r = do_sys_fallocate((int)fd, 0, 0, 70 * PAGE_SIZE);
	if (r == 0)
		r = do_sys_symlink(longpath, "/d/l");
	if (r == 0)
		r = do_sys_stat("/d/l", &st);
	if (r == 0)
		r = do_sys_rename("/d/l", "/d/m");
	if (r == 0)
		r = do_sys_link(longpath, "/d/n");
	if (r == 0)
		r = do_sys_chdir("/d");
	if (r == 0)
		r = do_sys_getcwd(buf, sizeof(buf));
	if (fd >= 0)
		ck_assert_int_eq(do_sys_close((int)fd), 0);
	/* Whatever there is can be removed; what a call has refused is not there. */
	native_alloc_fail(-1);
	ck_assert_int_eq(do_sys_chdir("/"), 0);
	(void)do_sys_unlink("/d/l");
	(void)do_sys_unlink("/d/m");
	(void)do_sys_unlink("/d/n");
	(void)do_sys_unlink(longpath);
	rmdir = do_sys_rmdir("/d");
	ck_assert(rmdir == 0 || (rmdir == -ENOENT && fd < 0));
	cache_purge_vnode(vfs_root);
	return r;
}

START_TEST(vfs_survives_every_failed_allocation)
{
	/* Paths, nodes, entries, the table, pages, their nodes, names in the cache. */
	ck_assert_int_ge(exhaust(use_everything), 80);
	ck_assert_uint_eq(tmpfs_used, 0);
}
END_TEST

/* ------------------------------------------------------------------- races */

#define ROUNDS 1500
static volatile bool over;
static unsigned odd;

/* Moves a directory to and fro, so that what is below it changes its path. */
static void mover(void *arg)
{
	while (!over) {
		(void)do_sys_rename("/a/d", "/b/d");
		(void)do_sys_rename("/b/d", "/a/d");
		(void)do_sys_rename("/a", "/a/d/x"); /* never */
	}
}

static void walker(void *arg)
{
	struct stat st;
	long r;

	while (!over) {
		r = do_sys_stat("/a/d/e/../e/f", &st);
		odd += r != 0 && r != -ENOENT;
		r = do_sys_stat("/b/d/e/../../d/e/f", &st);
		odd += r != 0 && r != -ENOENT;
		r = do_sys_open("/a/d/e/g", O_CREAT | O_WRONLY, 0644);
		odd += r < 0 && r != -ENOENT;
		if (r >= 0)
			(void)do_sys_close((int)r);
	}
}

/* Host threads walk through a directory that moves, and make and remove files in it. */
START_TEST(vfs_walks_race_renames)
{
	ck_assert_int_eq(do_sys_mkdir("/a", 0755), 0);
	ck_assert_int_eq(do_sys_mkdir("/b", 0755), 0);
	ck_assert_int_eq(do_sys_mkdir("/a/d", 0755), 0);
	ck_assert_int_eq(do_sys_mkdir("/a/d/e", 0755), 0);
	make("/a/d/e/f");
	spawn(mover, NULL);
	spawn(walker, NULL);
	for (unsigned i = 0; i < ROUNDS; i++) {
		long r = do_sys_unlink(i % 2 ? "/a/d/e/g" : "/b/d/e/g");
		odd += r != 0 && r != -ENOENT;
	}
	over = true;
	native_join();
	ck_assert_uint_eq(odd, 0);
	ck_assert_int_eq(look("/a/d/e/f"), 0);
	ck_assert_int_eq(stat_of("/a").st_nlink, 3);
	ck_assert_int_eq(stat_of("/b").st_nlink, 2);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("vfs");
	TCase *tc = tcase_create("vfs");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, vfs_names_and_paths_have_limits);
	tcase_add_test(tc, vfs_symlinks_are_bounded);
	tcase_add_test(tc, vfs_relative_paths_start_at_the_descriptor);
	tcase_add_test(tc, vfs_open_checks_what_it_finds);
	tcase_add_test(tc, vfs_cache_knows_what_changed);
	tcase_add_test(tc, vfs_getcwd_follows_the_directory);
	tcase_add_test(tc, vfs_removed_directory_is_empty_for_good);
	tcase_add_test(tc, vfs_readdir_sees_what_stays_once);
	tcase_add_test(tc, vfs_getdents_arguments);
	tcase_add_test(tc, vfs_rename_keeps_trees);
	tcase_add_test(tc, vfs_unlinked_file_lives_while_it_is_open);
	tcase_add_test(tc, vfs_transfer_breaks_off_at_a_bad_address);
	tcase_add_test(tc, vfs_offsets_have_limits);
	tcase_add_test(tc, vfs_full_file_system_is_enospc);
	tcase_add_test(tc, vfs_full_of_names_is_enospc);
	tcase_add_test(tc, vfs_pages_in_use_outlive_the_file);
	tcase_add_test(tc, vfs_survives_every_failed_allocation);
	tcase_add_test(tc, vfs_walks_race_renames);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
