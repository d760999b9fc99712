/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The descriptor table and the calls that are its own, with files of a kind made for the test: 26
 * bytes, the alphabet, that can be read and written at a position.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <kern/kmem.h>
#include <kern/sysproto.h>

#include "check_main.h"
#include "desc_impl.h"
#include "fdworld.h"

#define SIZE 26

struct letters {
	char text[SIZE];
	unsigned nclosed;
	int fail_at; /* transfers that reach this byte fail with EIO */
	size_t room; /* most that one write takes */
	size_t asked;
	int flags_told;
	bool slow; /* reads wait for `go` */
};

static kmutex_t go_lock;
static kcondvar_t go_cv;
static bool go;

static int letters_move(struct file *fp, int64_t *offset, struct uio *uio)
{
	struct letters *lt = fp->f_data;
	size_t n = uio->uio_resid;
	int error;

	lt->asked = n;
	if (lt->slow) {
		mutex_enter(&go_lock);
		while (!go)
			cv_wait(&go_cv, &go_lock);
		mutex_exit(&go_lock);
	}
	if (uio->uio_rw == UIO_WRITE)
		n = KMIN(n, lt->room);
	n = *offset < SIZE ? KMIN(n, (size_t)(SIZE - *offset)) : 0;
	if (*offset + (int64_t)n > lt->fail_at)
		n = (size_t)(lt->fail_at - *offset);
	error = uiomove(lt->text + *offset, n, uio);
	*offset += error ? 0 : (int64_t)n;
	return error ? error : *offset == lt->fail_at ? EIO : 0;
}

static int letters_seek(struct file *fp, int64_t delta, int whence, int64_t *newoff)
{
	fp->f_offset = *newoff = delta + (whence == SEEK_CUR ? fp->f_offset : 0);
	return 0;
}

static int letters_setfl(struct file *fp, int flags)
{
	((struct letters *)fp->f_data)->flags_told = flags;
	return 0;
}

static void letters_close(struct file *fp)
{
	((struct letters *)fp->f_data)->nclosed++;
}

static const struct fileops letters_ops = {
    .fo_read = letters_move,
    .fo_write = letters_move,
    .fo_seek = letters_seek,
    .fo_setfl = letters_setfl,
    .fo_close = letters_close,
};
/* As letters, but a stream. */
static const struct fileops stream_ops = {
    .fo_read = letters_move,
    .fo_write = letters_move,
    .fo_close = letters_close,
};
static const struct fileops no_ops = {.fo_close = letters_close};

static struct letters one, two;

static void setup(void)
{
	ck_assert_int_eq(native_components(), 0);
	mutex_init(&go_lock, MUTEX_DEFAULT);
	cv_init(&go_cv, "go");
	for (int i = 0; i < SIZE; i++)
		one.text[i] = (char)('a' + i);
	one.fail_at = two.fail_at = INT_MAX;
	one.room = two.room = SIZE;
}

static int open_kind(const struct fileops *ops, int flags, struct letters *lt)
{
	int fd;

	ck_assert_int_eq(fd_open(ops, DTYPE_MISC, flags, lt, &fd), 0);
	return fd;
}

static int open_letters(struct letters *lt)
{
	return open_kind(&letters_ops, O_RDWR, lt);
}

static uint32_t references(int fd)
{
	struct file *fp;
	uint32_t n;

	ck_assert_int_eq(fd_getfile(fd, &fp), 0);
	n = fp->f_count - 1;
	fd_putfile(fp);
	return n;
}

START_TEST(desc_open_gives_lowest_free)
{
	for (int i = 0; i < 130; i++)
		ck_assert_int_eq(open_letters(&one), i);
	ck_assert_int_eq(do_sys_close(128), 0);
	ck_assert_int_eq(do_sys_close(64), 0);
	ck_assert_int_eq(do_sys_close(3), 0);
	ck_assert_int_eq(open_letters(&one), 3);
	ck_assert_int_eq(do_sys_fcntl(0, F_DUPFD, 65), 128);
	ck_assert_int_eq(do_sys_fcntl(0, F_DUPFD, 65), 130);
	ck_assert_int_eq(do_sys_dup(0), 64);
	ck_assert_int_eq(do_sys_dup(0), 131);
}
END_TEST

START_TEST(desc_numbers_out_of_range_are_ebadf)
{
	static const int bad[] = {-1, INT_MIN, INT_MAX, FD_MAX, FD_MAX - 1, 1, 63, 64, 16384};
	int fd = open_letters(&one);
	char c;

	for (unsigned i = 0; i < NELEM(bad); i++) {
		ck_assert_int_eq(do_sys_close(bad[i]), -EBADF);
		ck_assert_int_eq(do_sys_read(bad[i], &c, 1), -EBADF);
		ck_assert_int_eq(do_sys_dup(bad[i]), -EBADF);
		ck_assert_int_eq(do_sys_dup2(bad[i], bad[i]), -EBADF);
		ck_assert_int_eq(do_sys_dup2(bad[i], fd), -EBADF);
		ck_assert_int_eq(do_sys_fcntl(bad[i], F_SETFD, FD_CLOEXEC), -EBADF);
		ck_assert_int_eq(do_sys_fcntl(bad[i], F_GETFD, 0), -EBADF);
		ck_assert_int_eq(do_sys_ioctl(bad[i], FIOCLEX, NULL), -EBADF);
	}
	ck_assert_uint_eq(one.nclosed, 0);
	ck_assert_int_eq(do_sys_close(fd), 0);
	ck_assert_int_eq(do_sys_close(fd), -EBADF);
	ck_assert_uint_eq(one.nclosed, 1);
}
END_TEST

START_TEST(desc_limit_is_kept_and_costs_no_reference)
{
	int fd = open_letters(&one);

	fd_limit = 3;
	ck_assert_int_eq(do_sys_dup(fd), 1);
	ck_assert_int_eq(do_sys_fcntl(fd, F_DUPFD, 2), 2);
	ck_assert_int_eq(do_sys_dup(fd), -EMFILE);
	ck_assert_int_eq(do_sys_fcntl(fd, F_DUPFD, 1), -EMFILE);
	ck_assert_int_eq(do_sys_fcntl(fd, F_DUPFD, 3), -EINVAL);
	ck_assert_int_eq(do_sys_fcntl(fd, F_DUPFD, (unsigned long)-1), -EINVAL);
	ck_assert_int_eq(do_sys_dup2(fd, 3), -EBADF);
	ck_assert_int_eq(do_sys_dup2(fd, -1), -EBADF);
	ck_assert_int_eq(do_sys_dup3(fd, 3, 0), -EBADF);
	ck_assert_uint_eq(references(fd), 3);
	/* The failed open closes nothing: the file never was. */
	int none, error = fd_open(&letters_ops, DTYPE_MISC, O_RDWR, &two, &none);
	ck_assert_int_eq(error, EMFILE);
	ck_assert_uint_eq(two.nclosed, 0);
	/* What was opened above a limit set later stays usable. */
	fd_limit = 1;
	ck_assert_uint_eq(references(2), 3);
	ck_assert_int_eq(do_sys_close(2), 0);
}
END_TEST

START_TEST(desc_dup2_replaces_and_closes_once)
{
	int a = open_letters(&one), b = open_letters(&two);

	ck_assert_int_eq(do_sys_dup2(a, a), a);
	ck_assert_int_eq(do_sys_dup3(a, a, 0), -EINVAL);
	ck_assert_int_eq(do_sys_dup3(a, b, O_NONBLOCK), -EINVAL);
	ck_assert_int_eq(do_sys_dup2(a, b), b);
	ck_assert_uint_eq(two.nclosed, 1);
	ck_assert_uint_eq(references(a), 2);
	ck_assert_int_eq(do_sys_dup2(a, 500), 500);
	ck_assert_int_eq(do_sys_close(a), 0);
	ck_assert_int_eq(do_sys_close(500), 0);
	ck_assert_uint_eq(one.nclosed, 0);
	ck_assert_int_eq(do_sys_close(b), 0);
	ck_assert_uint_eq(one.nclosed, 1);
	ck_assert_uint_eq(two.nclosed, 1);
}
END_TEST

START_TEST(desc_dup_shares_offset_and_status_but_not_cloexec)
{
	int a = open_kind(&letters_ops, O_RDWR | O_CLOEXEC, &one), b, c;
	char ch;

	ck_assert_int_eq(do_sys_fcntl(a, F_GETFD, 0), FD_CLOEXEC);
	b = (int)do_sys_dup(a);
	c = (int)do_sys_fcntl(a, F_DUPFD_CLOEXEC, 0);
	ck_assert_int_eq(do_sys_fcntl(b, F_GETFD, 0), 0);
	ck_assert_int_eq(do_sys_fcntl(c, F_GETFD, 0), FD_CLOEXEC);
	ck_assert_int_eq(do_sys_fcntl(b, F_SETFL, O_NONBLOCK | O_WRONLY | O_CREAT), 0);
	ck_assert_int_eq(do_sys_fcntl(a, F_GETFL, 0), O_RDWR | O_NONBLOCK);
	ck_assert_int_eq(one.flags_told & O_NONBLOCK, O_NONBLOCK);
	ck_assert_int_eq(do_sys_read(a, &ch, 1), 1);
	ck_assert_int_eq(do_sys_read(b, &ch, 1), 1);
	ck_assert_int_eq(ch, 'b');
	ck_assert_int_eq(do_sys_lseek(c, 0, SEEK_CUR), 2);
	/* dup2 onto one that closes on exec leaves one that does not; dup3 can ask for it. */
	ck_assert_int_eq(do_sys_dup2(b, c), c);
	ck_assert_int_eq(do_sys_fcntl(c, F_GETFD, 0), 0);
	ck_assert_int_eq(do_sys_dup3(b, c, O_CLOEXEC), c);
	ck_assert_int_eq(do_sys_fcntl(c, F_GETFD, 0), FD_CLOEXEC);
	ck_assert_int_eq(do_sys_ioctl(c, FIONCLEX, NULL), 0);
	ck_assert_int_eq(do_sys_fcntl(c, F_GETFD, 0), 0);
	ck_assert_int_eq(do_sys_fcntl(c, F_SETFD, 0xfe), 0);
	ck_assert_int_eq(do_sys_fcntl(c, F_GETFD, 0), 0);
	ck_assert_int_eq(do_sys_fcntl(c, 9999, 0), -EINVAL);
}
END_TEST

START_TEST(desc_close_range_closes_the_range_only)
{
	int fd = open_letters(&one);
	static const int at[] = {5, 63, 64, 65, 127, 1000};

	for (unsigned i = 0; i < NELEM(at); i++)
		ck_assert_int_eq(do_sys_dup2(fd, at[i]), at[i]);
	ck_assert_int_eq(do_sys_close_range(10, 9, 0), -EINVAL);
	ck_assert_int_eq(do_sys_close_range(1, 9, 1), -EINVAL);
	ck_assert_int_eq(do_sys_close_range(64, UINT_MAX, 4), 0);
	ck_assert_int_eq(do_sys_fcntl(63, F_GETFD, 0), 0);
	ck_assert_int_eq(do_sys_fcntl(64, F_GETFD, 0), FD_CLOEXEC);
	ck_assert_int_eq(do_sys_fcntl(1000, F_GETFD, 0), FD_CLOEXEC);
	ck_assert_int_eq(do_sys_close_range(63, 64, 0), 0);
	ck_assert_int_eq(do_sys_fcntl(63, F_GETFD, 0), -EBADF);
	ck_assert_int_eq(do_sys_fcntl(64, F_GETFD, 0), -EBADF);
	ck_assert_int_eq(do_sys_fcntl(65, F_GETFD, 0), FD_CLOEXEC);
	ck_assert_uint_eq(references(fd), 5);
	ck_assert_int_eq(do_sys_close_range(1, UINT_MAX, 0), 0);
	ck_assert_uint_eq(references(fd), 1);
	ck_assert_int_eq(do_sys_dup(fd), 1);
}
END_TEST

START_TEST(desc_access_mode_is_kept)
{
	int rd = open_kind(&letters_ops, O_RDONLY, &one);
	int wr = open_kind(&letters_ops, O_WRONLY, &one);
	int path = open_kind(&letters_ops, O_PATH, &one);
	int none = open_kind(&no_ops, O_RDWR, &one);
	struct iovec iov = {"x", 1};
	char c;

	ck_assert_int_eq(do_sys_write(rd, "x", 1), -EBADF);
	ck_assert_int_eq(do_sys_pwritev(rd, &iov, 1, 0, 0), -EBADF);
	ck_assert_int_eq(do_sys_read(wr, &c, 1), -EBADF);
	ck_assert_int_eq(do_sys_pread64(wr, &c, 1, 0), -EBADF);
	ck_assert_int_eq(do_sys_read(path, &c, 1), -EBADF);
	ck_assert_int_eq(do_sys_ioctl(path, FIONBIO, &c), -EBADF);
	ck_assert_int_eq(do_sys_lseek(path, 0, SEEK_SET), -EBADF);
	ck_assert_int_eq(do_sys_fcntl(path, F_SETFL, O_NONBLOCK), -EBADF);
	ck_assert_int_eq(do_sys_fcntl(path, F_GETFL, 0), O_PATH);
	ck_assert_int_eq(do_sys_read(none, &c, 1), -EINVAL);
	ck_assert_int_eq(do_sys_lseek(none, 0, SEEK_SET), -ESPIPE);
	ck_assert_int_eq(do_sys_ioctl(none, FIONREAD, &c), -ENOTTY);
}
END_TEST

START_TEST(desc_vectors_are_checked)
{
	int fd = open_letters(&one);
	char buf[3][4];
	struct iovec iov[3] = {{buf[0], 2}, {NULL, 0}, {buf[2], 3}};
	struct iovec huge[2] = {{buf[0], SSIZE_MAX}, {buf[1], 1}};
	struct iovec *many = calloc(IOV_MAX, sizeof(*many));

	ck_assert_int_eq(do_sys_readv(fd, iov, 3), 5);
	ck_assert_int_eq(memcmp(buf[0], "ab", 2), 0);
	ck_assert_int_eq(memcmp(buf[2], "cde", 3), 0);
	ck_assert_int_eq(do_sys_readv(fd, iov, 0), 0);
	ck_assert_int_eq(do_sys_readv(fd, huge, 2), -EINVAL);
	ck_assert_int_eq(do_sys_readv(fd, many, IOV_MAX), 0);
	ck_assert_int_eq(do_sys_readv(fd, many, IOV_MAX + 1), -EINVAL);
	ck_assert_int_eq(do_sys_readv(fd, many, ULONG_MAX), -EINVAL);
	ck_assert_int_eq(do_sys_readv(fd, (void *)8, 1), -EFAULT);
	ck_assert_int_eq(do_sys_readv(fd, (void *)8, 9), -EFAULT);
	native_alloc_fail(0);
	ck_assert_int_eq(do_sys_readv(fd, many, 9), -ENOMEM);
	ck_assert_int_eq(do_sys_lseek(fd, 0, SEEK_CUR), 5);
	ck_assert_uint_eq(references(fd), 1);
	free(many);
}
END_TEST

START_TEST(desc_uiomove_stops_at_resid)
{
	char from[9] = "12345678", to[9] = "........";
	struct iovec iov = {to, 8};
	struct uio uio = {&iov, 1, 0, 3, UIO_READ, UIO_USERSPACE};

	ck_assert_int_eq(uiomove(from, 8, &uio), 0);
	ck_assert_str_eq(to, "123.....");
	ck_assert_uint_eq(uio.uio_resid, 0);
	ck_assert_int_eq(uio.uio_offset, 3);
}
END_TEST

START_TEST(desc_transfer_counts_what_was_moved_before_the_error)
{
	int fd = open_letters(&one);
	char buf[40];

	one.fail_at = 20;
	ck_assert_int_eq(do_sys_read(fd, buf, 15), 15);
	ck_assert_int_eq(do_sys_read(fd, buf, 15), 5);
	ck_assert_int_eq(do_sys_read(fd, buf, 15), -EIO);
	ck_assert_int_eq(do_sys_lseek(fd, 0, SEEK_CUR), 20);
	one.fail_at = INT_MAX;
	/* Linux's limit of one transfer. */
	ck_assert_int_eq(do_sys_pread64(fd, buf, SIZE_MAX, SIZE), 0);
	ck_assert_uint_eq(one.asked, 0x7ffff000);
	native_bad_range(buf, sizeof(buf));
	ck_assert_int_eq(do_sys_pread64(fd, buf, 5, 0), -EFAULT);
}
END_TEST

START_TEST(desc_positioned_leaves_the_offset)
{
	int fd = open_letters(&one), stream = open_kind(&stream_ops, O_RDWR, &two);
	char c = 0;
	struct iovec iov = {&c, 1};

	ck_assert_int_eq(do_sys_pread64(fd, &c, 1, 10), 1);
	ck_assert_int_eq(c, 'k');
	ck_assert_int_eq(do_sys_preadv(fd, &iov, 1, 11, 0), 1);
	ck_assert_int_eq(c, 'l');
	ck_assert_int_eq(do_sys_pwrite64(fd, "X", 1, 12), 1);
	ck_assert_int_eq(one.text[12], 'X');
	ck_assert_int_eq(do_sys_lseek(fd, 0, SEEK_CUR), 0);
	ck_assert_int_eq(do_sys_pread64(fd, &c, 1, -1), -EINVAL);
	ck_assert_int_eq(do_sys_preadv(fd, &iov, 1, -1UL, 0), -EINVAL);
	ck_assert_int_eq(do_sys_preadv2(fd, &iov, 1, -1UL, -1UL, 0), 1); /* at the offset */
	ck_assert_int_eq(c, 'a');
	ck_assert_int_eq(do_sys_lseek(fd, 0, SEEK_CUR), 1);
	ck_assert_int_eq(do_sys_preadv2(fd, &iov, 1, 0, 0, 0x8000), -EOPNOTSUPP);
	ck_assert_int_eq(do_sys_pread64(stream, &c, 1, 0), -ESPIPE);
	ck_assert_int_eq(do_sys_pwrite64(stream, &c, 1, 0), -ESPIPE);
	ck_assert_int_eq(do_sys_lseek(stream, 0, SEEK_CUR), -ESPIPE);
}
END_TEST

START_TEST(desc_record_locks_are_always_free)
{
	int fd = open_letters(&one);
	struct flock lock = {.l_type = F_WRLCK, .l_pid = 77};

	ck_assert_int_eq(do_sys_fcntl(fd, F_SETLK, (unsigned long)&lock), 0);
	ck_assert_int_eq(do_sys_fcntl(fd, F_GETLK, (unsigned long)&lock), 0);
	ck_assert_int_eq(lock.l_type, F_UNLCK);
	lock.l_type = 9;
	ck_assert_int_eq(do_sys_fcntl(fd, F_SETLKW, (unsigned long)&lock), -EINVAL);
	ck_assert_int_eq(do_sys_fcntl(fd, F_SETLK, 0), -EFAULT);
}
END_TEST

/* ---------------------------------------------------------------- sendfile */

START_TEST(desc_sendfile_copies)
{
	int in = open_kind(&letters_ops, O_RDONLY, &one);
	int out = open_kind(&letters_ops, O_WRONLY, &two);
	off_t off = 20;

	ck_assert_int_eq(do_sys_sendfile(out, in, &off, 100), 6);
	ck_assert_int_eq(off, 26);
	ck_assert_int_eq(do_sys_lseek(in, 0, SEEK_CUR), 0);
	ck_assert_int_eq(memcmp(two.text, "uvwxyz", 6), 0);
	two.room = 4; /* a sink that takes less than it is given */
	ck_assert_int_eq(do_sys_sendfile(out, in, NULL, 8), 4);
	ck_assert_int_eq(do_sys_lseek(in, 0, SEEK_CUR), 4);
	ck_assert_int_eq(memcmp(two.text + 6, "abcd", 4), 0);
	two.fail_at = 12;
	two.room = SIZE;
	ck_assert_int_eq(do_sys_sendfile(out, in, NULL, 8), 2);
	ck_assert_int_eq(do_sys_sendfile(out, in, NULL, 8), -EIO);
	ck_assert_int_eq(do_sys_lseek(in, 0, SEEK_CUR), 6);
	ck_assert_int_eq(do_sys_sendfile(out, in, &off, 8), 0); /* at the end */
	off = -1;
	ck_assert_int_eq(do_sys_sendfile(out, in, &off, 8), -EINVAL);
	ck_assert_int_eq(do_sys_sendfile(out, in, (void *)8, 8), -EFAULT);
	ck_assert_int_eq(do_sys_sendfile(in, in, NULL, 8), -EBADF);
	ck_assert_int_eq(do_sys_sendfile(out, out, NULL, 8), -EBADF);
	ck_assert_int_eq(
	    do_sys_sendfile(out, open_kind(&stream_ops, O_RDWR, &one), NULL, 8), -EINVAL);
	native_alloc_fail(0);
	ck_assert_int_eq(do_sys_sendfile(out, in, NULL, 8), -ENOMEM);
	ck_assert_uint_eq(native_locks_held(), 0);
	ck_assert_uint_eq(references(in), 1);
	ck_assert_uint_eq(references(out), 1);
}
END_TEST

static unsigned nshown, nreleased, ntaken;

static void release(void *arg)
{
	nreleased++;
}

static int pages_peek(struct file *fp, int64_t off, size_t len, struct file_extent *ext)
{
	struct letters *lt = fp->f_data;

	len = off < SIZE ? KMIN(len, (size_t)(SIZE - off)) : 0;
	*ext = (struct file_extent){lt->text + off, KMIN(len, 10U), release, NULL};
	nshown += len > 0;
	return 0;
}

/* Takes two extents, of the second only 3 bytes; then EAGAIN. */
static int pages_send(struct file *fp, const struct file_extent *ext, bool more, size_t *sent)
{
	struct letters *lt = fp->f_data;

	ext->fe_release(ext->fe_arg);
	if (ntaken == 2)
		return EAGAIN;
	*sent = ntaken == 0 ? ext->fe_len : 3;
	ck_assert_int_eq(more, ntaken == 0);
	memcpy(lt->text + ntaken * 10, ext->fe_addr, *sent);
	ntaken++;
	return 0;
}

START_TEST(desc_sendfile_shows_pages_and_stops_when_short)
{
	static const struct fileops source_ops = {
	    .fo_read = letters_move, .fo_seek = letters_seek, .fo_peek = pages_peek};
	static const struct fileops sink_ops = {
	    .fo_write = letters_move, .fo_sendpage = pages_send};
	int in = open_kind(&source_ops, O_RDONLY, &one);
	int out = open_kind(&sink_ops, O_WRONLY, &two);
	off_t off = 0;

	ck_assert_int_eq(do_sys_sendfile(out, in, &off, 15), 13);
	ck_assert_int_eq(off, 13);
	ck_assert_int_eq(memcmp(two.text, "abcdefghijklm", 13), 0);
	ck_assert_int_eq(do_sys_sendfile(out, in, &off, 15), -EAGAIN);
	ck_assert_int_eq(off, 13);
	ck_assert_uint_eq(nshown, nreleased);
	off = SIZE;
	ck_assert_int_eq(do_sys_sendfile(out, in, &off, 15), 0);
}
END_TEST

/* Takes all, or no more than "room", and knows whether it was promised more. */
static bool promised;

static int piecewise_send(struct file *fp, const struct file_extent *ext, bool more, size_t *sent)
{
	struct letters *lt = fp->f_data;

	*sent = KMIN(ext->fe_len, lt->room);
	memcpy(lt->text + ntaken, ext->fe_addr, *sent);
	ext->fe_release(ext->fe_arg);
	ntaken += (unsigned)*sent;
	promised = more;
	return 0;
}

START_TEST(desc_sendfile_promises_no_more_than_there_is)
{
	static const struct fileops source_ops = {
	    .fo_read = letters_move, .fo_seek = letters_seek, .fo_peek = pages_peek};
	static const struct fileops sink_ops = {
	    .fo_write = letters_move, .fo_sendpage = piecewise_send};
	int in = open_kind(&source_ops, O_RDONLY, &one);
	int out = open_kind(&sink_ops, O_WRONLY, &two);
	off_t off = 0;

	two.room = SIZE;
	ck_assert_int_eq(do_sys_sendfile(out, in, &off, 100 * SIZE), SIZE);
	ck_assert_int_eq(off, SIZE);
	ck_assert(!promised);
	ck_assert_int_eq(memcmp(two.text, one.text, SIZE), 0);
	ck_assert_uint_eq(nshown, nreleased);
	/* Small pieces: one that waits takes all of them, another the first. */
	off = ntaken = 0;
	two.room = 3;
	ck_assert_int_eq(do_sys_sendfile(out, in, &off, SIZE), SIZE);
	ck_assert_int_eq(memcmp(two.text, one.text, SIZE), 0);
	ck_assert_uint_eq(nshown, nreleased);
	off = ntaken = 0;
	ck_assert_int_eq(do_sys_fcntl(out, F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(do_sys_sendfile(out, in, &off, SIZE), 3);
	ck_assert_uint_eq(nshown, nreleased);
}
END_TEST

/* ------------------------------------------------------------- in two steps */

static long prepare_and_commit(void)
{
	struct file *fp;
	int fd, error = fd_prepare(&letters_ops, DTYPE_MISC, O_RDWR, &fp, &fd);

	if (error)
		return -error;
	fd_commit(fd, fp, &one);
	return do_sys_close(fd);
}

START_TEST(desc_prepared_descriptor_is_taken_but_not_there)
{
	struct file *fp;
	unsigned closed = one.nclosed;
	int fd, other;

	ck_assert_int_eq(fd_prepare(&letters_ops, DTYPE_MISC, O_RDWR | O_CLOEXEC, &fp, &fd), 0);
	other = open_letters(&two);
	ck_assert_int_eq(other, fd + 1);
	ck_assert_int_eq(do_sys_close(fd), -EBADF);
	ck_assert_int_eq(do_sys_fcntl(fd, F_GETFD, 0), -EBADF);
	ck_assert_int_eq(do_sys_fcntl(fd, F_SETFD, 0), -EBADF);
	ck_assert_int_eq(do_sys_dup2(other, fd), -EBUSY);
	ck_assert_uint_eq(references(other), 1);
	fd_commit(fd, fp, &one);
	ck_assert_int_eq(do_sys_fcntl(fd, F_GETFD, 0), FD_CLOEXEC);
	ck_assert_int_eq(do_sys_close(fd), 0);
	ck_assert_uint_eq(one.nclosed, closed + 1);
	ck_assert_int_eq(fd_prepare(&letters_ops, DTYPE_MISC, O_RDWR, &fp, &fd), 0);
	ck_assert_int_eq(fd, other - 1);
	fd_cancel(fd, fp);
	ck_assert_uint_eq(one.nclosed, closed + 1);
	ck_assert_int_eq(open_letters(&one), fd); /* it is free again */
	ck_assert_int_eq(do_sys_close(fd), 0);
	exhaust(prepare_and_commit);
}
END_TEST

/* -------------------------------------------------------- memory and races */

static long open_and_dup_far(void)
{
	static int far = 1000;
	long r;
	int fd, error;

	error = fd_open(&letters_ops, DTYPE_MISC, O_RDWR, &one, &fd);
	if (error)
		return -error;
	r = do_sys_dup2(fd, far);
	if (r >= 0)
		(void)do_sys_close(far);
	(void)do_sys_close(fd);
	return r;
}

START_TEST(desc_survives_every_failed_allocation)
{
	struct file *fp[3];
	int fd;

	/* Parts of the table are kept: at first, each of its allocations in turn. */
	native_alloc_fail(0);
	ck_assert_int_eq(fd_open(&letters_ops, DTYPE_MISC, O_RDWR, &two, &fd), ENFILE);
	native_alloc_fail(1);
	ck_assert_int_eq(fd_open(&letters_ops, DTYPE_MISC, O_RDWR, &two, &fd), ENOMEM);
	native_alloc_fail(1); /* the file of the last attempt is there again */
	ck_assert_int_eq(fd_open(&letters_ops, DTYPE_MISC, O_RDWR, &two, &fd), ENOMEM);
	ck_assert_uint_eq(two.nclosed, 0);
	fd = open_letters(&one);
	ck_assert_int_eq(fd, 0);
	native_alloc_fail(0); /* a chunk further up */
	ck_assert_int_eq(do_sys_dup2(fd, 200), -ENOMEM);
	ck_assert_uint_eq(references(fd), 1);
	ck_assert_int_eq(do_sys_fcntl(200, F_GETFD, 0), -EBADF);
	ck_assert_int_eq(do_sys_dup2(fd, 200), 200);
	/* With no file left over, one has to be allocated. */
	exhaust(open_and_dup_far);
	ck_assert_int_eq(file_alloc(&no_ops, DTYPE_MISC, 0, &two, &fp[0]), 0);
	native_alloc_fail(0);
	ck_assert_int_eq(file_alloc(&no_ops, DTYPE_MISC, 0, &two, &fp[1]), ENFILE);
	file_rele(fp[0]);
	ck_assert_uint_eq(two.nclosed, 1);
}
END_TEST

static long slow_result = -1;

static void slow_reader(void *arg)
{
	char c;

	slow_result = do_sys_read((int)(intptr_t)arg, &c, 1);
}

START_TEST(desc_close_waits_for_calls_in_progress)
{
	int fd = open_kind(&stream_ops, O_RDWR, &one);

	one.slow = true;
	spawn(slow_reader, (void *)(intptr_t)fd);
	settle();
	ck_assert_int_eq(do_sys_close(fd), 0);
	ck_assert_int_eq(do_sys_close(fd), -EBADF);
	ck_assert_int_eq(open_letters(&two), fd); /* the number is free at once */
	ck_assert_uint_eq(one.nclosed, 0);
	mutex_enter(&go_lock);
	go = true;
	cv_broadcast(&go_cv);
	mutex_exit(&go_lock);
	native_join();
	ck_assert_int_eq(slow_result, 1);
	ck_assert_uint_eq(one.nclosed, 1);
	ck_assert_uint_eq(two.nclosed, 0);
}
END_TEST

/* What happens between a lookup's look at the slot and its reference. */
static void (*between)(void);
bool __real_file_tryref(struct file *fp);
bool __wrap_file_tryref(struct file *fp);

bool __wrap_file_tryref(struct file *fp)
{
	void (*f)(void) = between;

	between = NULL;
	if (f)
		f();
	return __real_file_tryref(fp);
}

static struct file *reused;

/* Descriptor 0 goes, its struct file is somebody else's at once. */
static void close_and_reuse(void)
{
	ck_assert_int_eq(fd_close(0), 0);
	ck_assert_int_eq(file_alloc(&letters_ops, DTYPE_MISC, O_RDWR, &two, &reused), 0);
}

static void close_and_reopen(void)
{
	close_and_reuse();
	ck_assert_int_eq(open_letters(&one), 0);
}

START_TEST(desc_lookup_never_finds_another_file)
{
	struct file *fp, *first;

	ck_assert_int_eq(open_letters(&one), 0);
	ck_assert_int_eq(fd_getfile(0, &first), 0);
	fd_putfile(first);
	between = close_and_reuse;
	ck_assert_int_eq(fd_getfile(0, &fp), EBADF);
	ck_assert_ptr_eq(reused, first); /* else this proves nothing */
	ck_assert_uint_eq(reused->f_count, 1);
	file_rele(reused);
	ck_assert_int_eq(open_letters(&one), 0);
	between = close_and_reopen;
	ck_assert_int_eq(fd_getfile(0, &fp), 0);
	ck_assert_ptr_eq(fp->f_data, &one);
	fd_putfile(fp);
	ck_assert_uint_eq(reused->f_count, 1);
	file_rele(reused);
	ck_assert_uint_eq(one.nclosed, 2);
	ck_assert_uint_eq(two.nclosed, 2);
}
END_TEST

#define ROUNDS 20000
static volatile bool over;
static unsigned nfound, nwrong;

static void looker(void *arg)
{
	struct file *fp;

	while (!over) {
		if (fd_getfile(0, &fp) != 0)
			continue;
		nfound++;
		nwrong += fp->f_data != &one || fp->f_ops != &letters_ops;
		fd_putfile(fp);
	}
}

/* Two host threads: a lookup finds the file that the slot held, or nothing; never another's. */
START_TEST(desc_lookup_races_close)
{
	struct letters other = {.fail_at = INT_MAX};
	struct file *fp;
	unsigned made = 0;

	spawn(looker, NULL);
	for (unsigned i = 0; i < ROUNDS || nfound == 0; i++, made++) {
		if (open_letters(&one) != 0)
			break;
		/* Hands the struct file that the looker may just look at to somebody else. */
		if (fd_close(0) != 0 || file_alloc(&letters_ops, DTYPE_MISC, 0, &other, &fp) != 0)
			break;
		file_rele(fp);
	}
	over = true;
	native_join();
	ck_assert_uint_ge(made, ROUNDS);
	ck_assert_uint_eq(nwrong, 0);
	ck_assert_uint_eq(one.nclosed, made);
	ck_assert_uint_eq(other.nclosed, made);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("desc");
	TCase *tc = tcase_create("desc");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, desc_open_gives_lowest_free);
	tcase_add_test(tc, desc_numbers_out_of_range_are_ebadf);
	tcase_add_test(tc, desc_limit_is_kept_and_costs_no_reference);
	tcase_add_test(tc, desc_dup2_replaces_and_closes_once);
	tcase_add_test(tc, desc_dup_shares_offset_and_status_but_not_cloexec);
	tcase_add_test(tc, desc_close_range_closes_the_range_only);
	tcase_add_test(tc, desc_access_mode_is_kept);
	tcase_add_test(tc, desc_vectors_are_checked);
	tcase_add_test(tc, desc_uiomove_stops_at_resid);
	tcase_add_test(tc, desc_transfer_counts_what_was_moved_before_the_error);
	tcase_add_test(tc, desc_positioned_leaves_the_offset);
	tcase_add_test(tc, desc_record_locks_are_always_free);
	tcase_add_test(tc, desc_sendfile_copies);
	tcase_add_test(tc, desc_sendfile_shows_pages_and_stops_when_short);
	tcase_add_test(tc, desc_sendfile_promises_no_more_than_there_is);
	tcase_add_test(tc, desc_prepared_descriptor_is_taken_but_not_there);
	tcase_add_test(tc, desc_survives_every_failed_allocation);
	tcase_add_test(tc, desc_close_waits_for_calls_in_progress);
	tcase_add_test(tc, desc_lookup_never_finds_another_file);
	tcase_add_test(tc, desc_lookup_races_close);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
