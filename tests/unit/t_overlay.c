/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs over a read-only file system, where t_overlay_linux does not reach: names that nobody has
 * looked at yet, what is copied and what is not, failures below.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include <kern/sysproto.h>

#include "check_main.h"
#include "fakelower.h"
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

static long look(const char *path)
{
	struct stat st;

	return do_sys_lstat(path, &st);
}

struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

/* The names in a directory, each followed by a space, as they come; `room` bytes at a time. */
static const char *list(const char *path, size_t room)
{
	static char names[256];
	char buf[512];
	int fd = open_file(path, O_RDONLY | O_DIRECTORY);
	long len;

	names[0] = '\0';
	while ((len = do_sys_getdents64(fd, buf, room)) > 0) {
		for (long at = 0; at < len;) {
			struct entry *e = (struct entry *)(buf + at);
			at += e->reclen;
			if (e->name[0] != '.')
				strcat(strcat(names, e->name), " ");
		}
	}
	ck_assert_int_eq(len, 0);
	ck_assert_int_eq(do_sys_close(fd), 0);
	return names;
}

START_TEST(overlay_directory_nobody_looked_into_is_not_empty)
{
	ck_assert_int_eq(do_sys_rmdir("/t/d"), -ENOTEMPTY);
	ck_assert_int_eq(do_sys_rename("/t/a/b/d", "/t/d"), -ENOTEMPTY);
	ck_assert_int_eq(do_sys_rename("/t/d", "/t/a/b/d"), 0); /* over one that is */
	ck_assert_int_eq(do_sys_rmdir("/t/a/b/d"), -ENOTEMPTY);
	ck_assert_int_eq(look("/t/a/b/d/b/a"), 0);
	ck_assert_int_eq(look("/t/d"), -ENOENT);
}
END_TEST

START_TEST(overlay_names_that_are_gone_stay_gone)
{
	ck_assert_str_eq(list("/t", 512), "a b c d big ");
	ck_assert_int_eq(do_sys_unlink("/t/b"), 0);
	ck_assert_int_eq(do_sys_unlink("/t/b"), -ENOENT);
	ck_assert_str_eq(list("/t", 512), "a c d big ");
	ck_assert_int_eq(do_sys_mkdir("/t/b", 0755), 0);
	ck_assert_str_eq(list("/t", 32), "b a c d big ");
	ck_assert_int_eq(do_sys_rmdir("/t/b"), 0);
	/* A directory made anew does not show what its predecessor had below. */
	ck_assert_int_eq(do_sys_unlink("/t/d/b/a"), 0);
	ck_assert_int_eq(do_sys_unlink("/t/d/b/b"), 0);
	ck_assert_int_eq(do_sys_rmdir("/t/d/b"), 0);
	ck_assert_int_eq(do_sys_mkdir("/t/d/b", 0755), 0);
	ck_assert_str_eq(list("/t/d/b", 512), "");
	ck_assert_int_eq(look("/t/d/b/a"), -ENOENT);
	ck_assert_int_eq(do_sys_rmdir("/t/d/b"), 0);
	ck_assert_int_eq(do_sys_rename("/t/c", "/t/d/b"), 0);
	ck_assert_str_eq(list("/t/d", 40), "b a ");
	ck_assert_int_eq(look("/t/c"), -ENOENT);
}
END_TEST

START_TEST(overlay_attributes_change_without_a_copy)
{
	struct stat st;

	ck_assert_int_eq(do_sys_stat("/t/big", &st), 0);
	ck_assert_int_eq(st.st_size, LOWER_BIG);
	ck_assert_int_eq(st.st_mode, S_IFREG | 0755);
	ck_assert_int_eq(do_sys_chmod("/t/big", 0400), 0);
	ck_assert_int_eq(do_sys_link("/t/big", "/t/x"), 0);
	ck_assert_int_eq(do_sys_rename("/t/big", "/t/y"), 0);
	ck_assert_int_eq(do_sys_stat("/t/x", &st), 0);
	ck_assert_int_eq(st.st_mode, S_IFREG | 0400);
	ck_assert_int_eq(st.st_nlink, 2);
	ck_assert_uint_eq(tmpfs_used, 0);
}
END_TEST

START_TEST(overlay_writing_copies_one_page)
{
	int fd = open_file("/t/big", O_RDWR);
	char buf[LOWER_BIG + 1];

	ck_assert_int_eq(do_sys_read(fd, buf, sizeof(buf)), LOWER_BIG);
	ck_assert_uint_eq(tmpfs_used, 0);
	ck_assert_int_eq(do_sys_pwrite64(fd, "!", 1, 5000), 1);
	ck_assert_uint_eq(tmpfs_used, 1);
	ck_assert_int_eq(do_sys_pread64(fd, buf, sizeof(buf), 0), LOWER_BIG);
	for (size_t i = 0; i < LOWER_BIG; i++)
		if (buf[i] != (i == 5000 ? '!' : lower_byte(i)))
			ck_abort_msg("byte %zu", i);
	/* Cut and grown again: what was below does not come back. */
	ck_assert_int_eq(do_sys_ftruncate(fd, 9000), 0);
	ck_assert_int_eq(do_sys_ftruncate(fd, 20000), 0);
	ck_assert_int_eq(do_sys_pread64(fd, buf, sizeof(buf), 0), 20000);
	for (size_t i = 5001; i < 20000; i++)
		if (buf[i] != (i < 9000 ? lower_byte(i) : 0))
			ck_abort_msg("byte %zu", i);
	ck_assert_int_eq(do_sys_close(open_file("/t/a/a", O_WRONLY | O_TRUNC)), 0);
	ck_assert_int_eq(do_sys_pread64(open_file("/t/a/a", O_RDONLY), buf, 5, 0), 0);
}
END_TEST

static struct vm_object *map(int fd, int flags)
{
	struct vm_object *obj;
	struct file *fp;

	ck_assert_int_eq(fd_getfile(fd, &fp), 0);
	ck_assert_int_eq(fp->f_ops->fo_mmap(fp, 0, PAGE_SIZE, 1, flags, &obj), 0);
	fd_putfile(fp);
	return obj;
}

START_TEST(overlay_untouched_file_is_mapped_where_it_lies)
{
	enum { SHARED = 1, PRIVATE = 2 };
	int fd = open_file("/t/big", O_RDWR);
	struct vm_object *lower = map(fd, PRIVATE), *own = map(fd, SHARED);
	uint64_t pa, mine;

	ck_assert_ptr_ne(lower, own);
	ck_assert_int_eq(lower->vo_ops->vo_getpage(lower, PAGE_SIZE, false, &pa), 0);
	ck_assert_uint_eq(tmpfs_used, 0);
	ck_assert_int_eq(*((char *)page_va(pa) + 1), lower_byte(PAGE_SIZE + 1));
	ck_assert_int_eq(own->vo_ops->vo_getpage(own, PAGE_SIZE, true, &mine), 0);
	ck_assert_uint_eq(tmpfs_used, 1);
	ck_assert_uint_ne(pa, mine);
	ck_assert_int_eq(memcmp(page_va(pa), page_va(mine), PAGE_SIZE), 0);
	/* The end of the file in its last page, zeroes behind it. */
	own->vo_ops->vo_putpage(own, PAGE_SIZE, mine, true);
	ck_assert_int_eq(own->vo_ops->vo_getpage(own, LOWER_BIG & ~PAGE_MASK, false, &mine), 0);
	ck_assert_int_eq(
	    *((char *)page_va(mine) + (LOWER_BIG & PAGE_MASK) - 1), lower_byte(LOWER_BIG - 1));
	ck_assert_int_eq(*((char *)page_va(mine) + (LOWER_BIG & PAGE_MASK)), 0);
	own->vo_ops->vo_putpage(own, LOWER_BIG & ~PAGE_MASK, mine, false);
	lower->vo_ops->vo_putpage(lower, PAGE_SIZE, pa, false);
	own->vo_ops->vo_rele(own);
	own = map(fd, PRIVATE); /* touched now */
	ck_assert_ptr_ne(lower, own);
	own->vo_ops->vo_rele(own);
	lower->vo_ops->vo_rele(lower);
	ck_assert_int_eq(do_sys_close(fd), 0);
	ck_assert_int_eq(do_sys_unlink("/t/big"), 0);
	ck_assert_uint_eq(tmpfs_used, 0);
	ck_assert_uint_eq(lower_references(), 2); /* of the root and /t */
}
END_TEST

static struct file_extent peek(int fd, int64_t off, size_t len)
{
	struct file_extent ext;
	struct file *fp;

	ck_assert_int_eq(fd_getfile(fd, &fp), 0);
	ck_assert_int_eq(fp->f_ops->fo_peek(fp, off, len, &ext), 0);
	fd_putfile(fp);
	return ext;
}

START_TEST(overlay_file_is_sent_from_where_it_lies)
{
	int fd = open_file("/t/big", O_RDWR);
	struct file_extent ext = peek(fd, 10, 100000);

	ck_assert_uint_eq(ext.fe_len, LOWER_BIG - 10);
	ck_assert_int_eq(*(const char *)ext.fe_addr, lower_byte(10));
	ck_assert_int_eq(do_sys_pwrite64(fd, "!", 1, 4096), 1);
	ext = peek(fd, 4000, 100000);
	ck_assert_uint_eq(ext.fe_len, 96); /* up to the page that is ours */
	ck_assert_int_eq(*(const char *)ext.fe_addr, lower_byte(4000));
	ext = peek(fd, 4096, 100000);
	ck_assert_int_eq(memcmp(ext.fe_addr, "!", 1), 0);
	ext.fe_release(ext.fe_arg);
	ck_assert_uint_eq(peek(fd, LOWER_BIG, 1).fe_len, 0);
	ck_assert_int_eq(do_sys_ftruncate(fd, LOWER_BIG + 5000), 0);
	ext = peek(fd, LOWER_BIG + 4500, 100000); /* a hole: a page of zeroes is made */
	ck_assert_uint_eq(ext.fe_len, 500);
	ck_assert_int_eq(*(const char *)ext.fe_addr, 0);
	ext.fe_release(ext.fe_arg);
}
END_TEST

/* Everything below, once. */
static long touch_all(void)
{
	static const char *const paths[] = {"/t/a/a", "/t/a/b/c", "/t/a/b/d", "/t/b", "/t/c",
	    "/t/d/a", "/t/d/b/a", "/t/d/b/b", "/t/big"};
	char buf[100];
	long r = 0, fd;

	for (unsigned i = 0; i < NELEM(paths) && r == 0; i++)
		r = look(paths[i]);
	if (r < 0)
		return r;
	r = do_sys_readlink("/t/c", buf, sizeof(buf));
	fd = r < 0 ? r : do_sys_open("/t/big", O_RDWR, 0);
	if (fd < 0)
		return fd;
	r = do_sys_pread64((int)fd, buf, sizeof(buf), 100);
	if (r >= 0)
		r = do_sys_pwrite64((int)fd, "x", 1, 100);
	if (r >= 0)
		r = do_sys_unlink("/t/b");
	if (r >= 0)
		r = do_sys_rename("/t/a", "/t/e");
	(void)do_sys_close((int)fd);
	return r;
}

/* After a failure everything can still be found, and goes without leaving anything. */
static void all_is_well(void)
{
	char buf[4];
	long fd;

	native_alloc_fail(-1);
	lower_fail(-1);
	ck_assert_uint_eq(native_locks_held(), 0);
	ck_assert_int_eq(look("/t/d/b/b"), 0);
	fd = do_sys_open(look("/t/e") == 0 ? "/t/e/a" : "/t/a/a", O_RDONLY, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(do_sys_read((int)fd, buf, 4), 4);
	ck_assert_int_eq(memcmp(buf, "hell", 4), 0);
	ck_assert_int_eq(do_sys_close((int)fd), 0);
	fd = open_file("/t/big", O_RDONLY);
	ck_assert_int_eq(do_sys_pread64((int)fd, buf, 1, 101), 1);
	ck_assert_int_eq(buf[0], lower_byte(101));
	ck_assert_int_eq(do_sys_close((int)fd), 0);
	/* Moving all out of sight drops the nodes that were made. */
	ck_assert_int_eq(do_sys_unlink("/t/big"), 0);
	ck_assert_int_eq(do_sys_unlink("/t/d/a"), 0);
	ck_assert_int_eq(do_sys_unlink("/t/d/b/a"), 0);
	ck_assert_int_eq(do_sys_unlink("/t/d/b/b"), 0);
	ck_assert_int_eq(do_sys_rmdir("/t/d/b"), 0);
	ck_assert_int_eq(do_sys_rmdir("/t/d"), 0);
	ck_assert_int_eq(do_sys_unlink("/t/c"), 0);
	(void)do_sys_unlink("/t/b");
	(void)do_sys_rename("/t/a", "/t/e");
	ck_assert_int_eq(do_sys_unlink("/t/e/a"), 0);
	ck_assert_int_eq(do_sys_unlink("/t/e/b/c"), 0);
	ck_assert_int_eq(do_sys_rmdir("/t/e/b/d"), 0);
	ck_assert_int_eq(do_sys_rmdir("/t/e/b"), 0);
	ck_assert_int_eq(do_sys_rmdir("/t/e"), 0);
	ck_assert_int_eq(do_sys_rmdir("/t"), 0);
	ck_assert_uint_eq(lower_references(), 1); /* the root's */
	ck_assert_uint_eq(tmpfs_used, 0);
}

#define ALLOCATIONS 70 /* at most that many; the rest of the loop fails none */
#define BELOW	    45

START_TEST(overlay_survives_a_failed_allocation)
{
	unsigned long before = native_alloc_count();
	long r;

	native_alloc_fail(_i);
	r = touch_all();
	if (_i == ALLOCATIONS - 1)
		ck_assert_uint_lt(native_alloc_count() - before, ALLOCATIONS);
	ck_assert(r >= 0 || r == -ENOMEM || r == -ENOSPC || r == -ENFILE);
	all_is_well();
}
END_TEST

START_TEST(overlay_survives_a_failure_below)
{
	long r;

	lower_fail(_i);
	r = touch_all();
	ck_assert(r >= 0 || r == -EIO || r == -ENOMEM);
	if (_i == 0)
		ck_assert_int_eq(r, -EIO);
	if (_i == BELOW - 1)
		ck_assert_int_ge(r, 0);
	all_is_well();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("overlay");
	TCase *tc = tcase_create("overlay");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, overlay_directory_nobody_looked_into_is_not_empty);
	tcase_add_test(tc, overlay_names_that_are_gone_stay_gone);
	tcase_add_test(tc, overlay_attributes_change_without_a_copy);
	tcase_add_test(tc, overlay_writing_copies_one_page);
	tcase_add_test(tc, overlay_untouched_file_is_mapped_where_it_lies);
	tcase_add_test(tc, overlay_file_is_sent_from_where_it_lies);
	tcase_add_loop_test(tc, overlay_survives_a_failed_allocation, 0, ALLOCATIONS);
	tcase_add_loop_test(tc, overlay_survives_a_failure_below, 0, BELOW);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
