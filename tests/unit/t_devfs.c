/* SPDX-License-Identifier: BSD-2-Clause */
/* /dev: null(4), full(4), random(4), and open files by number. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <kern/console.h>
#include <kern/sysproto.h>

#include "check_main.h"
#include "desc_impl.h"
#include "fdworld.h"
#include "vfs_impl.h"

static const struct fileops console_ops;
static unsigned consoles;

int console_open(int flags, struct file **fpp)
{
	consoles++;
	return file_alloc(&console_ops, DTYPE_CONSOLE, flags, NULL, fpp);
}

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

START_TEST(devfs_names_carry_linux_numbers)
{
	static const struct {
		const char *path;
		uint64_t rdev;
	} devices[] = {{"/dev/null", 0x103}, {"/dev/zero", 0x105}, {"/dev/full", 0x107},
	    {"/dev/random", 0x108}, {"/dev/urandom", 0x109}, {"/dev/tty", 0x500},
	    {"/dev/console", 0x501}};
	struct stat st, opened;

	for (unsigned i = 0; i < NELEM(devices); i++) {
		ck_assert_int_eq(do_sys_stat(devices[i].path, &st), 0);
		ck_assert(S_ISCHR(st.st_mode));
		ck_assert_uint_eq(st.st_rdev, devices[i].rdev);
		ck_assert_int_eq(st.st_mode & 0777, 0666);
	}
	ck_assert_int_eq(do_sys_stat("/dev/null", &st), 0);
	ck_assert_int_eq(do_sys_fstat(open_file("/dev/null", O_RDWR), &opened), 0);
	ck_assert_uint_eq(st.st_ino, opened.st_ino);
	ck_assert_uint_eq(st.st_dev, opened.st_dev);
	ck_assert_uint_eq(opened.st_rdev, 0x103);
	open_file("/dev/tty", O_RDWR);
	open_file("/dev/console", O_WRONLY);
	ck_assert_uint_eq(consoles, 2);
	ck_assert_int_eq(do_sys_stat("/tmp", &st), 0);
	ck_assert_int_eq(st.st_mode, S_IFDIR | 01777);
	ck_assert_int_eq(do_sys_stat("/dev/shm", &st), 0);
	ck_assert_int_eq(st.st_mode, S_IFDIR | 01777);
}
END_TEST

START_TEST(devfs_null_and_zero)
{
	int null = open_file("/dev/null", O_RDWR | O_TRUNC | O_CREAT);
	int zero = open_file("/dev/zero", O_RDWR);
	static char buf[10000];

	memset(buf, 'x', sizeof(buf));
	ck_assert_int_eq(do_sys_read(null, buf, sizeof(buf)), 0);
	ck_assert_int_eq(do_sys_write(null, buf, sizeof(buf)), sizeof(buf));
	ck_assert_int_eq(do_sys_pwrite64(null, buf, 5, 1LL << 40), 5);
	ck_assert_int_eq(buf[0], 'x');
	ck_assert_int_eq(do_sys_read(zero, buf, sizeof(buf)), sizeof(buf));
	for (unsigned i = 0; i < sizeof(buf); i++)
		ck_assert(buf[i] == 0);
	ck_assert_int_eq(do_sys_read(zero, (void *)8, 5), -EFAULT);
	ck_assert_int_eq(do_sys_write(zero, buf, 7), 7);
	ck_assert_int_eq(do_sys_lseek(null, 77, SEEK_SET), 0);
	ck_assert_int_eq(do_sys_ftruncate(null, 0), -EINVAL);
	ck_assert_int_eq(do_sys_write(open_file("/dev/null", O_RDONLY), buf, 1), -EBADF);
	ck_assert_int_eq(do_sys_read(open_file("/dev/null", O_WRONLY), buf, 1), -EBADF);
}
END_TEST

START_TEST(devfs_full_is_full)
{
	int full = open_file("/dev/full", O_RDWR);
	char c = 'x';

	ck_assert_int_eq(do_sys_write(full, &c, 1), -ENOSPC);
	ck_assert_int_eq(do_sys_write(full, &c, 0), 0);
	ck_assert_int_eq(do_sys_read(full, &c, 1), 1);
	ck_assert_int_eq(c, 0);
}
END_TEST

START_TEST(devfs_random_fills_all_of_it)
{
	static uint8_t a[1001], b[1001];
	int fds[2] = {open_file("/dev/random", O_RDWR), open_file("/dev/urandom", O_RDONLY)};

	for (int i = 0; i < 2; i++) {
		unsigned different = 0, last = 0;
		memset(a, 0, sizeof(a));
		memset(b, 0, sizeof(b));
		ck_assert_int_eq(do_sys_read(fds[i], a, 1000), 1000);
		ck_assert_int_eq(do_sys_read(fds[i], b, 1000), 1000);
		for (unsigned k = 0; k < 1000; k++)
			different += a[k] != b[k];
		for (unsigned k = 990; k < 1000; k++)
			last |= a[k];
		ck_assert_uint_gt(different, 900);
		ck_assert_uint_ne(last, 0);
		ck_assert_uint_eq(a[1000], 0);
		ck_assert_int_eq(do_sys_read(fds[i], a, 0), 0);
		ck_assert_int_eq(do_sys_read(fds[i], (void *)8, 5), -EFAULT);
	}
	ck_assert_int_eq(do_sys_write(fds[0], b, 1000), 1000);
	ck_assert_int_eq(do_sys_write(fds[0], (void *)8, 5), -EFAULT);
}
END_TEST

START_TEST(devfs_other_numbers_are_enxio)
{
	ck_assert_int_eq(do_sys_mknod("/my-null", S_IFCHR | 0600, 0x103), 0);
	ck_assert_int_eq(do_sys_write(open_file("/my-null", O_WRONLY), "x", 1), 1);
	ck_assert_int_eq(do_sys_mknod("/none", S_IFCHR | 0600, 0x1ff), 0);
	ck_assert_int_eq(do_sys_open("/none", O_RDONLY, 0), -ENXIO);
	ck_assert_int_eq(do_sys_mknod("/disk", S_IFBLK | 0600, 0x103), 0);
	ck_assert_int_eq(do_sys_open("/disk", O_RDONLY, 0), -ENXIO);
	ck_assert_int_ge(do_sys_open("/none", O_PATH, 0), 0);
	/* An open device outlives its name. */
	int fd = open_file("/my-null", O_RDWR);
	ck_assert_int_eq(do_sys_unlink("/my-null"), 0);
	ck_assert_int_eq(do_sys_write(fd, "x", 1), 1);
}
END_TEST

/* ----------------------------------------------------------------- /dev/fd */

START_TEST(devfs_fd_opens_what_is_open)
{
	int fd = open_file("/file", O_CREAT | O_RDWR), again;
	char path[32], c;
	struct file *fp;

	ck_assert_int_eq(do_sys_write(fd, "abc", 3), 3);
	ck_assert_int_eq(do_sys_lseek(fd, 0, SEEK_SET), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	again = open_file(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ne(again, fd);
	ck_assert_int_eq(do_sys_fcntl(again, F_GETFD, 0), FD_CLOEXEC);
	ck_assert_int_eq(do_sys_fcntl(fd, F_GETFD, 0), 0);
	ck_assert_int_eq(do_sys_read(again, &c, 1), 1); /* as dup: one offset */
	ck_assert_int_eq(do_sys_read(fd, &c, 1), 1);
	ck_assert_int_eq(c, 'b');
	ck_assert_int_eq(do_sys_close(fd), 0);
	ck_assert_int_eq(do_sys_open(path, O_RDONLY, 0), -ENOENT);
	ck_assert_int_eq(do_sys_read(again, &c, 1), 1);
	fd = open_file("/file", O_WRONLY);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	ck_assert_int_eq(do_sys_open(path, O_RDONLY, 0), -EACCES);
	ck_assert_int_eq(do_sys_open(path, O_RDWR, 0), -EACCES);
	ck_assert_int_eq(fd_getfile(fd, &fp), 0);
	ck_assert_uint_eq(
	    fp->f_count, 2); /* the descriptor's and ours: what was refused kept none */
	fd_putfile(fp);
	ck_assert_int_ge(do_sys_open(path, O_WRONLY, 0), 0);
}
END_TEST

START_TEST(devfs_fd_names_are_plain_numbers)
{
	static const char *const wrong[] = {"/dev/fd/00", "/dev/fd/-0", "/dev/fd/0x0", "/dev/fd/x",
	    "/dev/fd/ 0", "/dev/fd/1", "/dev/fd/9999999", "/dev/fd/99999999999999999999"};
	struct stat st;
	int fd = open_file("/dev/null", O_RDWR);

	ck_assert_int_eq(fd, 0);
	ck_assert_int_eq(do_sys_stat("/dev/fd/0", &st), 0);
	for (unsigned i = 0; i < NELEM(wrong); i++)
		ck_assert_int_eq(do_sys_stat(wrong[i], &st), -ENOENT);
	ck_assert_int_eq(do_sys_write(open_file("/dev/stdin", O_RDWR), "x", 1), 1);
	ck_assert_int_eq(do_sys_close(1), 0);
	ck_assert_int_eq(do_sys_open("/dev/stdout", O_WRONLY, 0), -ENOENT);
	ck_assert_int_eq(do_sys_close(0), 0);
	ck_assert_int_eq(do_sys_stat("/dev/fd/0", &st), -ENOENT); /* nothing was remembered */
}
END_TEST

struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

START_TEST(devfs_fd_lists_what_is_open)
{
	char names[128] = "", buf[64];
	int dir = open_file("/dev/fd", O_RDONLY | O_DIRECTORY);
	long len;

	ck_assert_int_eq(do_sys_dup2(dir, 3), 3);
	ck_assert_int_eq(do_sys_dup2(dir, 200), 200);
	while ((len = do_sys_getdents64(dir, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < len;) {
			struct entry *e = (struct entry *)(buf + at);
			at += e->reclen;
			strcat(strcat(names, e->name), " ");
			ck_assert_int_eq(e->type, e->name[0] == '.' ? DT_DIR : DT_CHR);
		}
	}
	ck_assert_int_eq(len, 0);
	ck_assert_str_eq(names, ". .. 0 3 200 ");
}
END_TEST

static const char *link_of(int fd)
{
	static char buf[64];
	char path[32];
	long len;

	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	len = do_sys_readlink(path, buf, sizeof(buf) - 1);
	buf[len > 0 ? len : 0] = '\0';
	return len < 0 ? NULL : buf;
}

START_TEST(devfs_fd_reads_as_a_link)
{
	int fd, dir;

	ck_assert_int_eq(do_sys_mkdir("/a", 0755), 0);
	ck_assert_int_eq(do_sys_mkdir("/a/b", 0755), 0);
	dir = open_file("/a/b", O_RDONLY | O_DIRECTORY);
	fd = open_file("/a/b/file", O_CREAT | O_RDWR);
	ck_assert_str_eq(link_of(dir), "/a/b");
	ck_assert_str_eq(link_of(fd), "/a/b/file");
	ck_assert_int_eq(do_sys_rename("/a/b", "/c"), 0);
	ck_assert_str_eq(link_of(dir), "/c");
	ck_assert_str_eq(link_of(fd), "/c/file");
	ck_assert_int_eq(do_sys_unlink("/c/file"), 0);
	ck_assert_ptr_null(link_of(fd));
	ck_assert_str_eq(link_of(open_file("/", O_RDONLY | O_DIRECTORY)), "/");
	ck_assert_int_eq(do_sys_close(fd), 0);
	ck_assert_ptr_null(link_of(fd));
}
END_TEST

START_TEST(devfs_fd_is_a_mount)
{
	struct stat dev, up;
	char buf[32];

	ck_assert_int_eq(do_sys_stat("/dev", &dev), 0);
	ck_assert_int_eq(do_sys_stat("/dev/fd/..", &up), 0);
	ck_assert_uint_eq(dev.st_ino, up.st_ino);
	ck_assert_int_eq(do_sys_stat("/dev/fd", &up), 0);
	ck_assert_uint_ne(dev.st_dev, up.st_dev);
	ck_assert_int_eq(do_sys_chdir("/dev/fd"), 0);
	ck_assert_int_eq(do_sys_getcwd(buf, sizeof(buf)), 8);
	ck_assert_str_eq(buf, "/dev/fd");
	ck_assert_int_eq(do_sys_rmdir("/dev/fd"), -EBUSY);
	ck_assert_int_eq(do_sys_open("new", O_CREAT | O_WRONLY, 0644), -EROFS);
	ck_assert_int_eq(do_sys_mkdir("new", 0755), -EROFS);
	open_file("/dev/null", O_RDWR);
	ck_assert_int_eq(do_sys_unlink("0"), -EROFS);
	ck_assert_int_eq(do_sys_rename("0", "/x"), -EXDEV);
	ck_assert_int_eq(do_sys_link("0", "/x"), -EXDEV);
	ck_assert_int_eq(do_sys_rename("/dev/null", "/dev/fd/7"), -EXDEV);
	ck_assert_int_eq(do_sys_rename("/dev", "/x"), 0); /* goes along with what it is in */
	ck_assert_int_eq(do_sys_getcwd(buf, sizeof(buf)), 6);
	ck_assert_str_eq(buf, "/x/fd");
}
END_TEST

static long use_devices(void)
{
	long fd = do_sys_open("/dev/null", O_RDWR, 0), again = fd;
	char path[32];

	if (fd < 0)
		return fd;
	snprintf(path, sizeof(path), "/dev/fd/%ld", fd);
	again = do_sys_open(path, O_RDWR, 0);
	if (again >= 0)
		ck_assert_int_eq(do_sys_close((int)again), 0);
	ck_assert_int_eq(do_sys_close((int)fd), 0);
	cache_purge_vnode(vfs_root);
	return again;
}

START_TEST(devfs_survives_every_failed_allocation)
{
	struct stat st;

	ck_assert_int_eq(do_sys_stat("/dev/null", &st), 0);
	ck_assert_int_eq(do_sys_stat("/dev/fd", &st), 0);
	ck_assert_int_ge(exhaust(use_devices), 2); /* a name in the cache, a node of /dev/fd */
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("devfs");
	TCase *tc = tcase_create("devfs");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, devfs_names_carry_linux_numbers);
	tcase_add_test(tc, devfs_null_and_zero);
	tcase_add_test(tc, devfs_full_is_full);
	tcase_add_test(tc, devfs_random_fills_all_of_it);
	tcase_add_test(tc, devfs_other_numbers_are_enxio);
	tcase_add_test(tc, devfs_fd_opens_what_is_open);
	tcase_add_test(tc, devfs_fd_names_are_plain_numbers);
	tcase_add_test(tc, devfs_fd_lists_what_is_open);
	tcase_add_test(tc, devfs_fd_reads_as_a_link);
	tcase_add_test(tc, devfs_fd_reads_as_a_link);
	tcase_add_test(tc, devfs_fd_is_a_mount);
	tcase_add_test(tc, devfs_survives_every_failed_allocation);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
