/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File calls as Linux has them.  argv[1] is an empty directory to work in; argv[2], if given, a
 * directory with the tree that t_files.sh makes: read-only on Kiln until it is written to, on a
 * host a copy.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *test = "";
static char *volatile bad_address = (char *)1;
static int failures;

#define CHECK(e)                                                                                   \
	do {                                                                                       \
		errno = 0;                                                                         \
		if (!(e)) {                                                                        \
			printf("FAIL %s: line %d: %s (errno %d)\n", test, __LINE__, #e, errno);    \
			failures++;                                                                \
			return;                                                                    \
		}                                                                                  \
	} while (0)
#define FAILS(call, error) CHECK((call) == -1 && errno == (error))

static int rename2(const char *from, const char *to, unsigned flags)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	size_t len = strlen(text);

	if (fd < 0)
		return 0;
	if (write(fd, text, len) != (ssize_t)len) {
		close(fd);
		return 0;
	}
	return close(fd) == 0;
}

static int holds(const char *path, const char *text)
{
	char buf[256] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

/* Names in a directory, sorted, joined by spaces. */
static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *list(const char *path)
{
	static char out[4096];
	char *names[256];
	int n = 0;
	DIR *d = opendir(path);
	struct dirent *e;

	out[0] = '\0';
	if (!d)
		return "cannot open";
	while ((e = readdir(d)) != NULL && n < 256)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			names[n++] = strdup(e->d_name);
	closedir(d);
	qsort(names, (size_t)n, sizeof(names[0]), by_name);
	for (int i = 0; i < n; i++) {
		if (strlen(out) + strlen(names[i]) + 2 < sizeof(out)) {
			strcat(out, i ? " " : "");
			strcat(out, names[i]);
		}
		free(names[i]);
	}
	return out;
}

static void opening(void)
{
	struct stat st;
	int fd;

	CHECK((fd = open("new", O_RDWR | O_CREAT | O_EXCL, 0640)) >= 0);
	CHECK(fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0 && st.st_nlink == 1);
	CHECK((st.st_mode & 07777) == 0640);
	close(fd);
	FAILS(open("new", O_RDWR | O_CREAT | O_EXCL, 0640), EEXIST);
	FAILS(open("absent", O_RDONLY), ENOENT);
	FAILS(open("", O_RDONLY), ENOENT);
	FAILS(open("new/x", O_RDONLY), ENOTDIR);
	FAILS(open("new/", O_RDONLY), ENOTDIR);
	FAILS(open("new", O_RDONLY | O_DIRECTORY), ENOTDIR);
	FAILS(open(".", O_WRONLY), EISDIR);
	FAILS(open("none/", O_WRONLY | O_CREAT, 0644), EISDIR);
	FAILS(open("no/where", O_WRONLY | O_CREAT, 0644), ENOENT);
	FAILS(open(bad_address, O_RDONLY), EFAULT);
	CHECK((fd = open("new", O_WRONLY)) >= 0);
	FAILS(read(fd, &st, 1), EBADF);
	close(fd);
	CHECK((fd = open("new", O_RDONLY)) >= 0);
	FAILS(write(fd, &st, 1), EBADF);
	FAILS(ftruncate(fd, 0), EINVAL);
	close(fd);
	CHECK((fd = open(".", O_RDONLY)) >= 0);
	FAILS(read(fd, &st, 1), EISDIR);
	close(fd);
	CHECK((fd = open(".", O_TMPFILE | O_RDWR, 0600)) >= 0);
	CHECK(write(fd, "x", 1) == 1 && fstat(fd, &st) == 0 && st.st_nlink == 0);
	close(fd);
	CHECK((fd = open("new", O_PATH)) >= 0);
	FAILS(read(fd, &st, 1), EBADF);
	CHECK(fstat(fd, &st) == 0);
	close(fd);
	CHECK(unlink("new") == 0);
}

static void long_names(void)
{
	char name[300], path[5000];

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	CHECK(put(name, "x") && unlink(name) == 0);
	name[255] = 'n';
	name[256] = '\0';
	FAILS(open(name, O_WRONLY | O_CREAT, 0644), ENAMETOOLONG);
	memset(path, '/', sizeof(path));
	path[4999] = '\0';
	FAILS(open(path, O_RDONLY), ENAMETOOLONG);
	path[4095] = '\0';
	CHECK(access(path, F_OK) == 0);
}

static void reading_and_writing(void)
{
	static char big[100000], back[100000];
	struct iovec iov[2] = {{big, 10}, {big + 10, 20}};
	char small[8];
	int fd;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 251);
	CHECK((fd = open("rw", O_RDWR | O_CREAT, 0644)) >= 0);
	CHECK(write(fd, big, sizeof(big)) == sizeof(big));
	CHECK(lseek(fd, 0, SEEK_CUR) == sizeof(big));
	CHECK(pread(fd, back, sizeof(back), 0) == sizeof(back) &&
	      memcmp(big, back, sizeof(big)) == 0);
	CHECK(pread(fd, back, 5000, 4000) == 5000 && memcmp(big + 4000, back, 5000) == 0);
	CHECK(read(fd, small, 8) == 0);
	CHECK(pread(fd, small, 8, 200000) == 0);
	FAILS(pread(fd, small, 8, -1), EINVAL);
	CHECK(pwrite(fd, "hole", 4, 1000000) == 4);
	CHECK(pread(fd, back, 100, 500000) == 100 && back[0] == 0 && back[99] == 0);
	CHECK(lseek(fd, 0, SEEK_END) == 1000004);
	FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
	FAILS(lseek(fd, 0, 99), EINVAL);
	CHECK(lseek(fd, 10, SEEK_SET) == 10 && readv(fd, iov, 2) == 30 &&
	      memcmp(big, big + 0, 1) == 0);
	CHECK(ftruncate(fd, 5000) == 0 && lseek(fd, 0, SEEK_END) == 5000);
	CHECK(ftruncate(fd, 9000) == 0 && pread(fd, back, 4000, 5000) == 4000);
	for (int i = 0; i < 4000; i++)
		CHECK(back[i] == 0);
	FAILS(ftruncate(fd, -1), EINVAL);
	FAILS(write(fd, bad_address, 10), EFAULT);
	close(fd);
	CHECK((fd = open("rw", O_WRONLY | O_APPEND)) >= 0);
	CHECK(write(fd, "end", 3) == 3 && lseek(fd, 0, SEEK_CUR) == 9003);
	close(fd);
	CHECK(unlink("rw") == 0);
}

static void directories(void)
{
	struct stat st;
	char name[300];

	CHECK(mkdir("d", 0755) == 0);
	FAILS(mkdir("d", 0755), EEXIST);
	FAILS(mkdir("x/y", 0755), ENOENT);
	CHECK(mkdir("d/sub/", 0700) == 0);
	CHECK(stat("d", &st) == 0 && S_ISDIR(st.st_mode) && st.st_nlink == 3);
	CHECK(put("d/f", "x"));
	CHECK(strcmp(list("d"), "f sub") == 0);
	FAILS(rmdir("d"), ENOTEMPTY);
	FAILS(rmdir("d/f"), ENOTDIR);
	FAILS(unlink("d/sub"), EISDIR);
	FAILS(rmdir("d/."), EINVAL);
	FAILS(rmdir("none"), ENOENT);
	CHECK(stat("d/sub/../f", &st) == 0 && st.st_size == 1);
	CHECK(stat("./d//sub/.././f", &st) == 0);
	FAILS(stat("d/none/../f", &st), ENOENT);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "d/many%d", i);
		CHECK(put(name, ""));
	}
	/* What is there all the time is seen once, although others go meanwhile. */
	{
		DIR *dir = opendir("d");
		struct dirent *e;
		int seen = 0;
		CHECK(dir != NULL);
		while ((e = readdir(dir)) != NULL) {
			if (strncmp(e->d_name, "many", 4) != 0)
				continue;
			seen++;
			snprintf(name, sizeof(name), "d/%s", e->d_name);
			CHECK(unlink(name) == 0);
		}
		closedir(dir);
		CHECK(seen == 200);
	}
	CHECK(unlink("d/f") == 0 && rmdir("d/sub") == 0 && rmdir("d") == 0);
	FAILS(stat("d", &st), ENOENT);
}

static void links(void)
{
	struct stat st, st2;
	char buf[64];

	CHECK(put("l1", "text"));
	CHECK(link("l1", "l2") == 0 && stat("l2", &st) == 0 && st.st_nlink == 2);
	CHECK(stat("l1", &st2) == 0 && st.st_ino == st2.st_ino);
	FAILS(link("l1", "l2"), EEXIST);
	FAILS(link(".", "ldir"), EPERM);
	CHECK(unlink("l1") == 0 && holds("l2", "text"));
	CHECK(symlink("l2", "s") == 0 && holds("s", "text"));
	CHECK(readlink("s", buf, sizeof(buf)) == 2 && memcmp(buf, "l2", 2) == 0);
	CHECK(readlink("s", buf, 1) == 1);
	FAILS(readlink("l2", buf, sizeof(buf)), EINVAL);
	CHECK(lstat("s", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 2);
	FAILS(open("s", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK(symlink("loop2", "loop1") == 0 && symlink("loop1", "loop2") == 0);
	FAILS(open("loop1", O_RDONLY), ELOOP);
	CHECK(symlink("dangling-target", "dangling") == 0);
	FAILS(open("dangling", O_RDONLY), ENOENT);
	FAILS(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
	CHECK(put("dangling", "made") && holds("dangling-target", "made"));
	CHECK(mkdir("ld", 0755) == 0 && symlink("ld", "lds") == 0 && put("lds/in", "x") &&
	      holds("ld/in", "x"));
	FAILS(symlink("", "empty"), ENOENT);
	CHECK(unlink("ld/in") == 0 && rmdir("ld") == 0);
	for (int i = 0; i < 7; i++) {
		static const char *const all[] = {
		    "l2", "s", "loop1", "loop2", "dangling", "dangling-target", "lds"};
		CHECK(unlink(all[i]) == 0);
	}
	CHECK(strcmp(list("."), "") == 0);
}

static void renames(void)
{
	struct stat st;

	CHECK(put("a", "A") && put("b", "B") && mkdir("da", 0755) == 0 && mkdir("db", 0755) == 0);
	CHECK(rename("a", "c") == 0 && holds("c", "A"));
	FAILS(stat("a", &st), ENOENT);
	CHECK(rename("c", "b") == 0 && holds("b", "A"));
	FAILS(rename("none", "x"), ENOENT);
	FAILS(rename("b", "da"), EISDIR);
	FAILS(rename("da", "b"), ENOTDIR);
	CHECK(rename("b", "da/b") == 0 && holds("da/b", "A"));
	FAILS(rename("db", "da"), ENOTEMPTY);
	FAILS(rename("da", "da/sub"), EINVAL);
	CHECK(rename("da", "db") == 0 && holds("db/b", "A"));
	CHECK(stat("db/..", &st) == 0);
	CHECK(put("x", "X"));
	FAILS(rename2("x", "db/b", 1), EEXIST);
	CHECK(rename2("x", "db/b", 2) == 0 && holds("x", "A") && holds("db/b", "X"));
	FAILS(rename2("x", "none", 2), ENOENT);
	FAILS(rename2("x", "y", 3), EINVAL);
	CHECK(rename2("x", "y", 1) == 0 && holds("y", "A"));
	CHECK(rename2("y", "db", 2) == 0 && holds("db", "A") && holds("y/b", "X"));
	CHECK(rename("db", "db") == 0);
	CHECK(unlink("db") == 0 && unlink("y/b") == 0 && rmdir("y") == 0);
	CHECK(strcmp(list("."), "") == 0);
}

static void unlinked_but_open(void)
{
	char buf[8] = "";
	struct stat st;
	int fd;

	CHECK((fd = open("gone", O_RDWR | O_CREAT, 0644)) >= 0);
	CHECK(write(fd, "still", 5) == 5 && unlink("gone") == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 5);
	CHECK(pread(fd, buf, 5, 0) == 5 && strcmp(buf, "still") == 0);
	close(fd);
	CHECK(mkdir("gd", 0755) == 0 && (fd = open("gd", O_RDONLY)) >= 0 && rmdir("gd") == 0);
	FAILS(openat(fd, "x", O_WRONLY | O_CREAT, 0644), ENOENT);
	close(fd);
}

static void attributes(void)
{
	struct timespec ts[2] = {{1000000000, 123}, {2000000000, 456}};
	struct statfs sf;
	struct stat st;

	CHECK(put("at", "x") && chmod("at", 0600) == 0 && stat("at", &st) == 0 &&
	      (st.st_mode & 07777) == 0600);
	CHECK(utimensat(AT_FDCWD, "at", ts, 0) == 0 && stat("at", &st) == 0);
	CHECK(st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_sec == 2000000000 &&
	      st.st_mtim.tv_nsec == 456);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = 1000000000;
	FAILS(utimensat(AT_FDCWD, "at", ts, 0), EINVAL);
	CHECK(access("at", R_OK | W_OK) == 0);
	FAILS(access("at", X_OK), EACCES);
	CHECK(chmod("at", 0100) == 0 && access("at", X_OK) == 0);
	CHECK(
	    umask(077) == 022 && put("um", "") && stat("um", &st) == 0 && (st.st_mode & 077) == 0);
	CHECK(umask(022) == 077);
	CHECK(truncate("at", 100) == 0 && stat("at", &st) == 0 && st.st_size == 100);
	CHECK(statfs(".", &sf) == 0 && sf.f_namelen == 255 && sf.f_bsize > 0);
	CHECK(unlink("at") == 0 && unlink("um") == 0);
}

static void current_directory(const char *top)
{
	char buf[256], want[300];
	int fd;

	CHECK(mkdir("w", 0755) == 0 && mkdir("w/x", 0755) == 0 && chdir("w/x") == 0);
	snprintf(want, sizeof(want), "%s/w/x", top);
	CHECK(getcwd(buf, sizeof(buf)) && strcmp(buf, want) == 0);
	CHECK(getcwd(buf, 3) == NULL && errno == ERANGE);
	CHECK((fd = open("..", O_RDONLY)) >= 0 && chdir("/") == 0 && fchdir(fd) == 0);
	close(fd);
	CHECK(rename("x", "y") == 0 && chdir("y") == 0);
	snprintf(want, sizeof(want), "%s/w/y", top);
	CHECK(getcwd(buf, sizeof(buf)) && strcmp(buf, want) == 0);
	CHECK(chdir(top) == 0 && rmdir("w/y") == 0 && rmdir("w") == 0);
	FAILS(chdir("none"), ENOENT);
}

static void mapping(void)
{
	char *p, *q;
	char buf[8];
	int fd;

	CHECK((fd = open("map", O_RDWR | O_CREAT, 0644)) >= 0 && write(fd, "abcdef", 6) == 6);
	CHECK((p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) != MAP_FAILED);
	CHECK((q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0)) != MAP_FAILED);
	CHECK(memcmp(p, "abcdef", 7) == 0 && memcmp(q, "abcdef", 7) == 0);
	p[0] = 'X';
	CHECK(pread(fd, buf, 6, 0) == 6 && memcmp(buf, "Xbcdef", 6) == 0);
	q[1] = 'Y';
	CHECK(pread(fd, buf, 6, 0) == 6 && memcmp(buf, "Xbcdef", 6) == 0);
	CHECK(pwrite(fd, "Z", 1, 2) == 1 && p[2] == 'Z');
	/* A write whose source is a mapping of the very file. */
	CHECK(pwrite(fd, p, 4096, 4096) == 4096 && pread(fd, buf, 1, 4096) == 1 && buf[0] == 'X');
	CHECK(ftruncate(fd, 0) == 0 && munmap(p, 4096) == 0 && munmap(q, 4096) == 0);
	close(fd);
	CHECK(unlink("map") == 0);
}

static void room(void)
{
	struct stat st;
	char buf[16];
	int fd;

	CHECK((fd = open("fa", O_RDWR | O_CREAT, 0644)) >= 0);
	CHECK(fallocate(fd, 0, 0, 10000) == 0 && fstat(fd, &st) == 0 && st.st_size == 10000);
	CHECK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 10000, 10000) == 0 && fstat(fd, &st) == 0 &&
	      st.st_size == 10000);
	CHECK(pwrite(fd, "0123456789abcdef", 16, 4090) == 16);
	CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4092, 4) == 0);
	CHECK(pread(fd, buf, 16, 4090) == 16 && memcmp(buf, "01\0\0\0\0006789abcdef", 16) == 0);
	FAILS(fallocate(fd, 0, -1, 1), EINVAL);
	FAILS(fallocate(fd, 0, 0, 0), EINVAL);
	close(fd);
	CHECK(unlink("fa") == 0);
}

static void devices(void)
{
	char buf[32], zero[32] = "";
	struct stat st;
	int fd, two;

	CHECK((fd = open("/dev/null", O_RDWR)) >= 0 && write(fd, "abc", 3) == 3 &&
	      read(fd, buf, 3) == 0);
	CHECK(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0x103);
	close(fd);
	CHECK((fd = open("/dev/zero", O_RDONLY)) >= 0 && read(fd, buf, 32) == 32 &&
	      memcmp(buf, zero, 32) == 0);
	close(fd);
	CHECK((fd = open("/dev/full", O_RDWR)) >= 0);
	FAILS(write(fd, "x", 1), ENOSPC);
	close(fd);
	CHECK((fd = open("/dev/urandom", O_RDONLY)) >= 0 && read(fd, buf, 32) == 32 &&
	      memcmp(buf, zero, 32) != 0);
	close(fd);
	CHECK((fd = open("fdtest", O_RDWR | O_CREAT, 0644)) >= 0 && write(fd, "seen", 4) == 4);
	snprintf(buf, sizeof(buf), "/dev/fd/%d", fd);
	CHECK((two = open(buf, O_RDONLY)) >= 0 && pread(two, buf, 4, 0) == 4 &&
	      memcmp(buf, "seen", 4) == 0);
	close(fd);
	close(two);
	CHECK(unlink("fdtest") == 0);
	FAILS(open("/dev/fd/99", O_RDONLY), ENOENT);
	CHECK(stat("/dev/shm", &st) == 0 && S_ISDIR(st.st_mode));
}

static void sending(void)
{
	char buf[128] = "";
	int fds[2], fd;
	off_t off = 2;

	CHECK(put("sf", "0123456789") && (fd = open("sf", O_RDONLY)) >= 0 && pipe(fds) == 0);
	CHECK(sendfile(fds[1], fd, &off, 5) == 5 && off == 7);
	CHECK(read(fds[0], buf, sizeof(buf)) == 5 && memcmp(buf, "23456", 5) == 0);
	CHECK(sendfile(fds[1], fd, NULL, 100) == 10 && lseek(fd, 0, SEEK_CUR) == 10);
	CHECK(read(fds[0], buf, sizeof(buf)) == 10);
	CHECK(sendfile(fds[1], fd, NULL, 100) == 0);
	close(fd);
	close(fds[0]);
	close(fds[1]);
	CHECK(unlink("sf") == 0);
}

/* ------------------------------------------------ a tree that came with the image */

static void image_reading(void)
{
	static char page[8192];
	struct stat st;
	char *p;
	int fd;

	CHECK(strcmp(list("."), "big dir empty hello link small.d") == 0);
	CHECK(holds("hello", "hello, world\n") && holds("link", "hello, world\n"));
	CHECK(stat("big", &st) == 0 && st.st_size == 100000);
	CHECK((fd = open("big", O_RDONLY)) >= 0);
	for (long off = 0; off < 100000; off += 8192) {
		ssize_t n = pread(fd, page, sizeof(page), off);
		CHECK(n > 0);
		for (long i = 0; i < n; i++)
			CHECK(page[i] == (char)('a' + (off + i) % 26));
	}
	CHECK((p = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0)) != MAP_FAILED);
	for (long i = 0; i < 100000; i++)
		CHECK(p[i] == (char)('a' + i % 26));
	for (long i = 100000; i < 102400; i++)
		CHECK(p[i] == 0);
	p[0] = '!';
	CHECK(pread(fd, page, 1, 0) == 1 && page[0] == 'a');
	munmap(p, 100000);
	close(fd);
	CHECK(stat("dir/f299", &st) == 0 && st.st_size == 5);
	FAILS(stat("dir/f300", &st), ENOENT);
	CHECK(stat("small.d/../dir/f0", &st) == 0);
}

static void image_writing(void)
{
	char buf[16] = "";
	struct stat st;
	ino_t ino;
	int fd, ro;

	CHECK(stat("big", &st) == 0);
	ino = st.st_ino;
	CHECK((ro = open("big", O_RDONLY)) >= 0 && (fd = open("big", O_RDWR)) >= 0);
	CHECK(pwrite(fd, "WRITTEN", 7, 50000) == 7);
	CHECK(pread(fd, buf, 9, 49999) == 9 && memcmp(buf + 1, "WRITTEN", 7) == 0);
	CHECK(buf[0] == 'a' + 49999 % 26 && buf[8] == 'a' + 50007 % 26);
	CHECK(pread(ro, buf, 7, 50000) == 7 && memcmp(buf, "WRITTEN", 7) == 0);
	CHECK(pread(ro, buf, 4, 99996) == 4 && buf[3] == 'a' + 99999 % 26);
	CHECK(fstat(fd, &st) == 0 && st.st_ino == ino && st.st_size == 100000);
	CHECK(ftruncate(fd, 60000) == 0 && ftruncate(fd, 100000) == 0);
	CHECK(pread(fd, buf, 2, 59999) == 2 && buf[0] == 'a' + 59999 % 26 && buf[1] == 0);
	CHECK(pread(fd, buf, 2, 90000) == 2 && buf[0] == 0);
	close(fd);
	close(ro);
	CHECK((fd = open("hello", O_WRONLY | O_APPEND)) >= 0 && write(fd, "more\n", 5) == 5);
	close(fd);
	CHECK(holds("hello", "hello, world\nmore\n") && holds("link", "hello, world\nmore\n"));
	CHECK(chmod("empty", 0711) == 0 && stat("empty", &st) == 0 && (st.st_mode & 07777) == 0711);
}

static void image_names(void)
{
	struct stat st;

	CHECK(unlink("hello") == 0);
	FAILS(stat("hello", &st), ENOENT);
	FAILS(stat("link", &st), ENOENT);
	CHECK(strcmp(list("."), "big dir empty link small.d") == 0);
	CHECK(put("hello", "again") && holds("hello", "again"));
	CHECK(strcmp(list("."), "big dir empty hello link small.d") == 0);
	FAILS(rmdir("small.d"), ENOTEMPTY);
	CHECK(unlink("small.d/one") == 0 && rmdir("small.d") == 0 && mkdir("small.d", 0755) == 0);
	CHECK(strcmp(list("small.d"), "") == 0);
	CHECK(rename("dir", "moved") == 0 && holds("moved/f7", "f7\n"));
	FAILS(stat("dir", &st), ENOENT);
	CHECK(rename("moved/f7", "moved/f8") == 0 && holds("moved/f8", "f7\n"));
	FAILS(stat("moved/f7", &st), ENOENT);
	CHECK(put("moved/new", "n") && holds("moved/new", "n"));
	CHECK(strcmp(list("."), "big empty hello link moved small.d") == 0);
	{
		DIR *d = opendir("moved");
		struct dirent *e;
		int n = 0;
		CHECK(d != NULL);
		while ((e = readdir(d)) != NULL)
			n++;
		closedir(d);
		CHECK(n == 2 + 299 + 1);
	}
}

static void run(const char *name, void (*func)(void))
{
	int before = failures;

	test = name;
	func();
	if (failures == before)
		printf("ok %s\n", name);
}

static const char *workdir;
static void current_directory_here(void)
{
	current_directory(workdir);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*func)(void);
	} tests[] = {
	    {"opening", opening},
	    {"long names", long_names},
	    {"reading and writing", reading_and_writing},
	    {"directories", directories},
	    {"links", links},
	    {"renames", renames},
	    {"unlinked but open", unlinked_but_open},
	    {"attributes", attributes},
	    {"current directory", current_directory_here},
	    {"mapping", mapping},
	    {"room", room},
	    {"devices", devices},
	    {"sending", sending},
	};

	workdir = argc > 1 ? argv[1] : "/tmp";
	umask(022);
	if (chdir(workdir) != 0) {
		printf("FAIL cannot change to %s: errno %d\n", workdir, errno);
		return 1;
	}
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		run(tests[i].name, tests[i].func);
	if (argc > 2) {
		if (chdir(argv[2]) != 0) {
			printf("FAIL cannot change to %s: errno %d\n", argv[2], errno);
			return 1;
		}
		run("image: reading", image_reading);
		run("image: writing", image_writing);
		run("image: names", image_names);
	}
	return failures > 0;
}
