/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfs and tmpfs against the host's: the same random calls are made below a directory of ours and
 * one of the host's tmpfs, and must give the same results and leave the same tree.  Half of the
 * runs let allocations fail: a call that says so must have done nothing.
 *
 * t_overlay_linux is the same with a file system below tmpfs, which may fail, too; there both begin
 * with what it holds.
 *
 * No path and no symbolic link leads out of the host's directory: ".." is used only where as many
 * names are before it in the path, and never in a link.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <kern/sysproto.h>

#include "check_main.h"
#include "desc_impl.h"
#include "fakelower.h"
#include "fdworld.h"
#include "vfs_impl.h"

#define STEPS 8000
#define PATH  64

static char base[] = "/dev/shm/kiln-t_vfs_XXXXXX";
static int host = -1, ours = -1;
static unsigned seed;

static unsigned below(unsigned n)
{
	return (unsigned)rand_r(&seed) / 7 % n;
}

static void random_path(char *p, bool link)
{
	unsigned n = 1 + below(3), depth = 0;

	*p = '\0';
	for (unsigned i = 0; i < n; i++) {
		const char *name = (const char *const[]){"a", "b", "c", "d"}[below(4)];

		if (!link && below(12) == 0)
			name = depth > 0 && below(2) ? ".." : ".";
		depth += name[0] != '.' ? 1 : name[1] == '.' ? -1U : 0;
		if (i > 0)
			strcat(p, below(9) ? "/" : "//");
		strcat(p, name);
	}
	if (below(8) == 0)
		strcat(p, "/");
}

enum op {
	MKDIR,
	RMDIR,
	CREAT,
	EXCL,
	OPENDIR,
	TRUNC,
	UNLINK,
	RENAME,
	NOREPL,
	EXCHG,
	LINK,
	SYMLINK,
	STAT,
	LSTAT,
	NOPS
};
static const char *const op_names[NOPS] = {"mkdir", "rmdir", "creat", "open O_EXCL",
    "open O_DIRECTORY", "truncate", "unlink", "rename", "rename NOREPLACE", "rename EXCHANGE",
    "link", "symlink", "stat", "lstat"};

/* What both sides make of a file: never ino or times. */
static long seen(const struct stat *st)
{
	return (long)(st->st_mode & S_IFMT) << 32 | (long)st->st_nlink << 16 |
	       (S_ISREG(st->st_mode) ? st->st_size : 0);
}

static long host_result(long r)
{
	return r < 0 ? -errno : r;
}

static long host_open(const char *p, int flags)
{
	int fd = openat(host, p, flags, 0644);

	return fd < 0 ? -errno : close(fd);
}

static long on_host(enum op op, const char *p, const char *q)
{
	struct stat st;
	long r;

	switch (op) {
	case MKDIR:
		return host_result(mkdirat(host, p, 0755));
	case RMDIR:
		return host_result(unlinkat(host, p, AT_REMOVEDIR));
	case CREAT:
		return host_open(p, O_CREAT | O_WRONLY);
	case EXCL:
		return host_open(p, O_CREAT | O_EXCL | O_RDWR);
	case OPENDIR:
		return host_open(p, O_RDONLY | O_DIRECTORY);
	case TRUNC:
		r = openat(host, p, O_WRONLY | O_TRUNC | O_NOFOLLOW);
		if (r < 0)
			return -errno;
		(void)!ftruncate((int)r, 7);
		return close((int)r);
	case UNLINK:
		return host_result(unlinkat(host, p, 0));
	case RENAME:
	case NOREPL:
	case EXCHG:
		return host_result(syscall(SYS_renameat2, host, p, host, q, (int)(op - RENAME)));
	case LINK:
		return host_result(linkat(host, p, host, q, 0));
	case SYMLINK:
		return host_result(symlinkat(q, host, p));
	default:
		r = host_result(fstatat(host, p, &st, op == LSTAT ? AT_SYMLINK_NOFOLLOW : 0));
		return r < 0 ? r : seen(&st);
	}
}

static long our_open(const char *p, int flags)
{
	long fd = do_sys_openat(ours, p, flags, 0644);

	return fd < 0 ? fd : do_sys_close((int)fd);
}

static long on_ours(enum op op, const char *p, const char *q)
{
	struct stat st;
	long r;

	switch (op) {
	case MKDIR:
		return do_sys_mkdirat(ours, p, 0755);
	case RMDIR:
		return do_sys_unlinkat(ours, p, AT_REMOVEDIR);
	case CREAT:
		return our_open(p, O_CREAT | O_WRONLY);
	case EXCL:
		return our_open(p, O_CREAT | O_EXCL | O_RDWR);
	case OPENDIR:
		return our_open(p, O_RDONLY | O_DIRECTORY);
	case TRUNC:
		r = do_sys_openat(ours, p, O_WRONLY | O_TRUNC | O_NOFOLLOW, 0);
		if (r < 0)
			return r;
		(void)do_sys_ftruncate((int)r, 7);
		return do_sys_close((int)r);
	case UNLINK:
		return do_sys_unlinkat(ours, p, 0);
	case RENAME:
	case NOREPL:
	case EXCHG:
		return do_sys_renameat2(ours, p, ours, q, op - RENAME);
	case LINK:
		return do_sys_linkat(ours, p, ours, q, 0);
	case SYMLINK:
		return do_sys_symlinkat(q, ours, p);
	default:
		r = do_sys_newfstatat(ours, p, &st, op == LSTAT ? AT_SYMLINK_NOFOLLOW : 0);
		return r < 0 ? r : seen(&st);
	}
}

/* How many names there are below `path`, and each as on the host. */
static unsigned compare_tree(const char *path)
{
	int fd = openat(host, path, O_RDONLY | O_DIRECTORY);
	DIR *dir = fdopendir(fd);
	struct dirent *de;
	unsigned n = 0;

	while ((de = readdir(dir)) != NULL) {
		char sub[4096];
		long h, o;

		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, de->d_name);
		h = on_host(LSTAT, sub, NULL);
		o = on_ours(LSTAT, sub, NULL);
		if (h != o)
			ck_abort_msg("%s is %lx on the host and %lx here", sub, h, o);
		n++;
		if (de->d_type == DT_DIR)
			n += compare_tree(sub);
	}
	closedir(dir);
	return n;
}

struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

/* How many names are below path here; with unlink set, they go. */
static unsigned our_tree(const char *path, bool unlink)
{
	int fd = (int)do_sys_openat(ours, path, O_RDONLY | O_DIRECTORY, 0);
	char buf[2048], sub[4096];
	unsigned n = 0;
	long len;

	ck_assert_int_ge(fd, 0);
	while ((len = do_sys_getdents64(fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < len;) {
			struct entry *e = (struct entry *)(buf + at);

			at += e->reclen;
			if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0)
				continue;
			snprintf(sub, sizeof(sub), "%s/%s", path, e->name);
			n++;
			if (e->type == DT_DIR)
				n += our_tree(sub, unlink);
			if (unlink)
				ck_assert_int_eq(
				    on_ours(e->type == DT_DIR ? RMDIR : UNLINK, sub, NULL), 0);
		}
	}
	ck_assert_int_eq(len, 0);
	ck_assert_int_eq(do_sys_close(fd), 0);
	return n;
}

static bool no_memory(long r)
{
	return r == -ENOMEM || r == -ENOSPC || r == -ENFILE || r == -EIO;
}

/* A rename into itself may be wrong in another way, too; Linux's versions look in different order.
 */
static bool either_will_do(enum op op, long h, long o)
{
	return (op == RENAME || op == NOREPL || op == EXCHG) && h < 0 && o < 0 &&
	       (h == -EINVAL || h == -ENOTEMPTY || o == -EINVAL || o == -ENOTEMPTY);
}

static void step(bool failing)
{
	char p[PATH], q[PATH];
	enum op op = below(NOPS);
	unsigned long before = native_alloc_count();
	long n = below(6), h, o;
	bool failed;

	random_path(p, false);
	random_path(q, op == SYMLINK);
	native_alloc_fail(failing ? n : -1);
	if (lower_fail)
		lower_fail(failing && below(4) == 0 ? below(3) : -1);
	o = on_ours(op, p, q);
	failed = failing && native_alloc_count() - before > (unsigned long)n;
	native_alloc_fail(-1);
	if (lower_fail)
		lower_fail(-1);
	if ((failed || (lower_fail && failing)) && no_memory(o))
		return;
	h = on_host(op, p, q);
	if (h != o && !either_will_do(op, h, o))
		ck_abort_msg("%s %s %s: %ld on the host, %ld here", op_names[op], p,
		    op >= RENAME && op <= SYMLINK ? q : "", h, o);
}

static void open_ours(void)
{
	if (!lower_populate)
		ck_assert_int_eq(do_sys_mkdir("/t", 0755), 0);
	ours = (int)do_sys_open("/t", O_RDONLY | O_DIRECTORY, 0);
	ck_assert_int_ge(ours, 0);
}

static void close_ours(void)
{
	ck_assert_int_eq(do_sys_close(ours), 0);
	if (!lower_populate)
		ck_assert_int_eq(do_sys_rmdir("/t"), 0);
	cache_purge_vnode(vfs_root);
}

/* Once, in the parent of the cases' processes, so that it goes even if they fail. */
static void make_base(void)
{
	if (!mkdtemp(base))
		base[0] = '\0';
}

static void remove_base(void)
{
	char command[80];

	snprintf(command, sizeof(command), "rm -rf %s", base);
	if (base[0] && system(command) != 0)
		perror(base);
}

static bool is_tmpfs(int fd)
{
	struct statfs sf;

	return fstatfs(fd, &sf) == 0 && sf.f_type == 0x01021994;
}

/* A directory of the host, empty, and the vfs.  false: there is nothing to compare with. */
static bool start(int number)
{
	const char *given = getenv("KILN_TEST_SEED");
	char path[64];

	seed = given ? (unsigned)strtoul(given, NULL, 0) : (unsigned)(getpid() * 97 + time(NULL));
	fprintf(stderr, "KILN_TEST_SEED=%u\n", seed);
	snprintf(path, sizeof(path), "%s/%d", base, number);
	if (!base[0] || mkdir(path, 0700) != 0)
		return false;
	host = open(path, O_RDONLY | O_DIRECTORY);
	if (!is_tmpfs(host))
		return false;
	ck_assert_int_eq(native_components(), 0);
	if (lower_populate)
		lower_populate(host);
	return true;
}

START_TEST(vfs_agrees_with_linux)
{
	size_t live;

	if (!start(_i))
		return;
	open_ours();
	/* Files are kept for the next time: have enough of them. */
	for (int i = 0; i < 40; i++)
		ck_assert_int_ge(do_sys_dup((int)do_sys_open("/t", O_RDONLY, 0)), 0);
	fd_close_range(ours + 1, 200, false);
	close_ours();
	live = native_alloc_live();
	open_ours();
	for (unsigned i = 0; i < STEPS; i++) {
		step(_i % 2);
		if (i % 400 == 0)
			ck_assert_uint_eq(compare_tree("."), our_tree(".", false));
	}
	ck_assert_uint_gt(compare_tree("."), 0);
	ck_assert_uint_eq(native_locks_held(), 0);
	(void)our_tree(".", true);
	ck_assert_uint_eq(our_tree(".", false), 0);
	if (lower_populate) {
		ck_assert_int_eq(do_sys_close(ours), 0);
		ck_assert_int_eq(do_sys_rmdir("/t"), 0);
		ck_assert_uint_eq(lower_references(), 1); /* the root's */
		return;
	}
	close_ours();
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

/* ------------------------------------------------------------ file contents */

#define SPAN   (80 * 1024)
#define HOLE   (1LL << 34) /* some things happen far out */
#define CHANGE 12000

static char data[3 * 4096 + 100], from_host[SPAN], from_ours[SPAN];
static int host_fd, our_fd;

static int64_t random_offset(void)
{
	int64_t at = below(3) ? below(SPAN) : below(SPAN) & ~4095U;

	return at + (below(20) ? 0 : HOLE);
}

/* Both give `len` at most, by their own offsets. */
static void read_both(void)
{
	size_t len = below(sizeof(data));
	long h = host_result(read(host_fd, from_host, len)),
	     o = do_sys_read(our_fd, from_ours, len);

	if (h != o || (h > 0 && memcmp(from_host, from_ours, (size_t)h) != 0))
		ck_abort_msg("read of %zu: %ld on the host, %ld here", len, h, o);
}

static void seek_both(void)
{
	static const int whences[] = {SEEK_SET, SEEK_CUR, SEEK_END, 9};
	int whence = whences[below(16) ? below(3) : 3];
	int64_t to = (int64_t)below(SPAN) - (whence == SEEK_SET ? 100 : SPAN / 2);
	long h = host_result(lseek(host_fd, to, whence)), o = do_sys_lseek(our_fd, to, whence);

	if (h != o)
		ck_abort_msg("seek %d %ld: %ld on the host, %ld here", whence, (long)to, h, o);
}

/* What ours has not written for want of memory the host does not, either. */
static void write_both(bool positioned)
{
	size_t len = below(10) ? below(sizeof(data)) : 0;
	int64_t at = random_offset();
	long h, o;

	memset(data, (int)below(256), sizeof(data));
	o = positioned ? do_sys_pwrite64(our_fd, data, len, at) : do_sys_write(our_fd, data, len);
	native_alloc_fail(-1);
	if (o == -ENOSPC)
		return;
	if (o > 0)
		len = (size_t)o;
	h = host_result(positioned ? pwrite(host_fd, data, len, at) : write(host_fd, data, len));
	if (h != o)
		ck_abort_msg("write of %zu: %ld on the host, %ld here", len, h, o);
}

static void allocate_both(void)
{
	static const int modes[] = {0, 1, 3, 3, 0x10, 0x11, 2};
	int mode = modes[below(NELEM(modes))];
	int64_t at = random_offset(), len = (int64_t)below(SPAN / 4) - 2;
	long h, o;

	if (mode != 3 && at >= HOLE)
		return;
	o = do_sys_fallocate(our_fd, mode, at, len);
	native_alloc_fail(-1);
	if (o == -ENOSPC) /* part of it may be done */
		o = do_sys_fallocate(our_fd, mode, at, len);
	h = host_result(fallocate(host_fd, mode, at, len));
	if (h == -EOPNOTSUPP && mode & 0x10)
		h = o; /* its tmpfs does not know FALLOC_FL_ZERO_RANGE; undone by the next line */
	if (h == o && h == 0 && mode & 0x10 && fallocate(host_fd, 3, at, len) == 0 &&
	    mode == 0x10) {
		struct stat st;
		if (fstat(host_fd, &st) == 0 && st.st_size < at + len)
			(void)!ftruncate(host_fd, at + len);
	}
	if (h != o)
		ck_abort_msg("fallocate %#x %ld %ld: %ld on the host, %ld here", mode, (long)at,
		    (long)len, h, o);
}

static void truncate_both(void)
{
	int64_t size = below(10) ? random_offset() : -1;
	long h = host_result(ftruncate(host_fd, size)), o = do_sys_ftruncate(our_fd, size);

	if (h != o)
		ck_abort_msg("truncate %ld: %ld on the host, %ld here", (long)size, h, o);
}

static void append_both(void)
{
	int flags = below(2) ? O_APPEND : 0;

	ck_assert_int_eq(do_sys_fcntl(our_fd, F_SETFL, (unsigned long)flags), 0);
	ck_assert_int_eq(fcntl(host_fd, F_SETFL, flags), 0);
}

static void compare_bytes(int64_t at)
{
	struct stat hs, os;
	long h = pread(host_fd, from_host, SPAN, at),
	     o = do_sys_pread64(our_fd, from_ours, SPAN, at);

	ck_assert_int_eq(fstat(host_fd, &hs), 0);
	ck_assert_int_eq(do_sys_fstat(our_fd, &os), 0);
	ck_assert_int_eq(hs.st_size, os.st_size);
	ck_assert_int_eq(h, o);
	for (long i = 0; i < h; i++)
		if (from_host[i] != from_ours[i])
			ck_abort_msg("byte %ld differs", (long)at + i);
}

START_TEST(vfs_file_agrees_with_linux)
{
	size_t live;

	if (!start(_i + 100))
		return;
	our_fd = (int)do_sys_open(lower_populate ? "/t/big" : "/f", O_CREAT | O_RDWR, 0644);
	cache_purge_vnode(vfs_root);
	live = native_alloc_live();
	host_fd = openat(host, lower_populate ? "big" : "f", O_CREAT | O_RDWR, 0644);
	for (unsigned i = 0; i < CHANGE; i++) {
		if (_i % 2)
			native_alloc_fail(below(12));
		switch (below(16)) {
		case 0:
			append_both();
			break;
		case 1:
		case 2:
			truncate_both();
			break;
		case 3:
		case 4:
			allocate_both();
			break;
		case 5:
		case 6:
			seek_both();
			break;
		case 7:
		case 8:
		case 9:
			read_both();
			break;
		default:
			write_both(below(2));
		}
		native_alloc_fail(-1);
		if (i % 16 == 0) {
			compare_bytes(0);
			compare_bytes(HOLE);
		}
	}
	ck_assert_int_eq(do_sys_ftruncate(our_fd, 0), 0);
	cache_purge_vnode(vfs_root);
	ck_assert_uint_eq(native_alloc_live(), live);
	ck_assert_int_eq(do_sys_close(our_fd), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("vfs_linux");
	TCase *tc = tcase_create("vfs_linux");

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, make_base, remove_base);
	tcase_add_loop_test(tc, vfs_agrees_with_linux, 0, 4);
	tcase_add_loop_test(tc, vfs_file_agrees_with_linux, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
