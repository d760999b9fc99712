/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes as pipe(7) has them: order, atomic writes, what the other end's closing does. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include <kern/poll.h>
#include <kern/sysproto.h>

#include "check_main.h"
#include "desc_impl.h"
#include "fdworld.h"

static int rd, wr;
static char buf[1 << 17];
static size_t capacity;

static void open_pipe(int flags)
{
	int fds[2];

	ck_assert_int_eq(do_sys_pipe2(fds, flags), 0);
	rd = fds[0];
	wr = fds[1];
}

static void set_nonblock(int fd, bool on)
{
	ck_assert_int_eq(do_sys_fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0), 0);
}

static void setup(void)
{
	long n;

	ck_assert_int_eq(native_components(), 0);
	open_pipe(O_NONBLOCK);
	n = do_sys_write(wr, buf, sizeof(buf));
	ck_assert_int_ge(n, PIPE_BUF);
	capacity = (size_t)n;
	ck_assert_int_eq(do_sys_read(rd, buf, sizeof(buf)), n);
	set_nonblock(rd, false);
	set_nonblock(wr, false);
}

static int polled(int fd, int events)
{
	struct file *fp;
	int ready;

	ck_assert_int_eq(fd_getfile(fd, &fp), 0);
	ready = fp->f_ops->fo_poll(fp, events, NULL);
	fd_putfile(fp);
	return ready;
}

static int queued(void)
{
	int n = -1;

	ck_assert_int_eq(do_sys_ioctl(rd, FIONREAD, &n), 0);
	return n;
}

/* Fill it up to what is wanted, by blocks that are smaller than PIPE_BUF. */
static void fill(size_t want)
{
	while (want > 0) {
		size_t n = KMIN(want, 1000U);
		ck_assert_int_eq(do_sys_write(wr, buf, n), (long)n);
		want -= n;
	}
}

/* A call made by another lwp. */
struct call {
	bool write;
	size_t len;
	char *buf;
	int signal;
	long result;
	bool done;
};

static void caller(void *arg)
{
	struct call *c = arg;

	native_signal(c->signal);
	c->result = c->write ? do_sys_write(wr, c->buf, c->len) : do_sys_read(rd, c->buf, c->len);
	c->done = true;
}

static void start(struct call *c, bool write, char *p, size_t len)
{
	*c = (struct call){.write = write, .len = len, .buf = p};
	spawn(caller, c);
	settle();
}

START_TEST(pipe_bytes_come_out_in_order_round_the_ring)
{
	uint8_t in[777], out[777], next_in = 0, next_out = 0;
	size_t total = 0;

	while (total < capacity * 5) {
		for (unsigned i = 0; i < sizeof(in); i++)
			in[i] = next_in++;
		ck_assert_int_eq(do_sys_write(wr, in, sizeof(in)), sizeof(in));
		ck_assert_int_eq(queued(), sizeof(in));
		ck_assert_int_eq(do_sys_read(rd, out, 300), 300);
		ck_assert_int_eq(do_sys_read(rd, out + 300, sizeof(out)), sizeof(out) - 300);
		for (unsigned i = 0; i < sizeof(out); i++, next_out++)
			if (out[i] != next_out)
				ck_abort_msg("byte %zu", total + i);
		total += sizeof(in);
	}
	ck_assert_int_eq(queued(), 0);
}
END_TEST

START_TEST(pipe_arguments_are_checked)
{
	int fds[2] = {-7, -7};
	struct stat st;
	char c;

	ck_assert_int_eq(do_sys_pipe2(fds, O_APPEND), -EINVAL);
	ck_assert_int_eq(fds[0], -7);
	ck_assert_int_eq(do_sys_pipe((int *)8), -EFAULT);
	fd_limit = 3;
	ck_assert_int_eq(do_sys_pipe(fds), -EMFILE);
	fd_limit = 1024;
	ck_assert_int_eq(do_sys_pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(fds[0], 2); /* the failures kept no descriptor */
	ck_assert_int_eq(fds[1], 3);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(do_sys_fcntl(fds[i], F_GETFD, 0), FD_CLOEXEC);
		ck_assert_int_eq(do_sys_fcntl(fds[i], F_GETFL, 0), O_NONBLOCK | i);
	}
	ck_assert_int_eq(do_sys_read(wr, &c, 1), -EBADF);
	ck_assert_int_eq(do_sys_write(rd, &c, 1), -EBADF);
	ck_assert_int_eq(do_sys_lseek(rd, 0, SEEK_CUR), -ESPIPE);
	ck_assert_int_eq(do_sys_pread64(rd, &c, 1, 0), -ESPIPE);
	ck_assert_int_eq(do_sys_ioctl(rd, FIONREAD, NULL), -EFAULT);
	ck_assert_int_eq(do_sys_ioctl(rd, TIOCGWINSZ, &st), -ENOTTY);
}
END_TEST

START_TEST(pipe_nothing_to_read)
{
	char c;

	set_nonblock(rd, true);
	ck_assert_int_eq(do_sys_read(rd, &c, 1), -EAGAIN);
	ck_assert_int_eq(do_sys_read(rd, &c, 0), 0);
	set_nonblock(rd, false);
	native_signal(EINTR);
	ck_assert_int_eq(do_sys_read(rd, &c, 1), -EINTR);
	native_signal(0);
	ck_assert_int_eq(do_sys_write(wr, "x", 1), 1);
	ck_assert_int_eq(do_sys_close(wr), 0);
	ck_assert_int_eq(polled(rd, POLLIN), POLLIN | POLLHUP);
	ck_assert_int_eq(do_sys_read(rd, &c, 9), 1); /* what was written before is read first */
	ck_assert_int_eq(do_sys_read(rd, &c, 1), 0);
	ck_assert_int_eq(polled(rd, POLLIN), POLLHUP);
	ck_assert_int_eq(do_sys_close(rd), 0);
}
END_TEST

START_TEST(pipe_write_of_pipe_buf_is_whole_or_waits)
{
	set_nonblock(wr, true);
	fill(capacity - PIPE_BUF + 1);
	ck_assert_int_eq(polled(wr, POLLOUT), 0);
	ck_assert_int_eq(do_sys_write(wr, buf, PIPE_BUF), -EAGAIN);
	ck_assert_int_eq(queued(), (int)(capacity - PIPE_BUF + 1));
	/* A longer one takes what room there is (pipe(7)). */
	ck_assert_int_eq(do_sys_write(wr, buf, PIPE_BUF + 1), PIPE_BUF - 1);
	ck_assert_int_eq(do_sys_write(wr, buf, PIPE_BUF + 1), -EAGAIN);
	ck_assert_int_eq(do_sys_write(wr, buf, 1), -EAGAIN);
	ck_assert_int_eq(do_sys_write(wr, buf, 0), 0);
	ck_assert_int_eq(do_sys_read(rd, buf, PIPE_BUF - 1), PIPE_BUF - 1);
	ck_assert_int_eq(polled(wr, POLLOUT), 0);
	ck_assert_int_eq(do_sys_read(rd, buf, 1), 1);
	ck_assert_int_eq(polled(wr, POLLOUT), POLLOUT);
	ck_assert_int_eq(do_sys_write(wr, buf, PIPE_BUF), PIPE_BUF);
}
END_TEST

START_TEST(pipe_atomic_writes_do_not_mix)
{
	struct call a, b;
	char as[PIPE_BUF], bs[PIPE_BUF];
	size_t got = 0;

	memset(as, 'a', sizeof(as));
	memset(bs, 'b', sizeof(bs));
	fill(capacity - 1); /* room for one byte: neither may put it there */
	start(&a, true, as, sizeof(as));
	start(&b, true, bs, sizeof(bs));
	ck_assert_int_eq(queued(), (int)capacity - 1);
	ck_assert(!a.done && !b.done);
	ck_assert_int_eq(do_sys_read(rd, buf, capacity - 1), (long)capacity - 1);
	native_join();
	ck_assert_int_eq(a.result, PIPE_BUF);
	ck_assert_int_eq(b.result, PIPE_BUF);
	while (got < 2 * PIPE_BUF) {
		ck_assert_int_eq(do_sys_read(rd, buf, PIPE_BUF), PIPE_BUF);
		ck_assert(buf[0] == 'a' || buf[0] == 'b');
		ck_assert_int_eq(memcmp(buf, buf[0] == 'a' ? as : bs, PIPE_BUF), 0);
		got += PIPE_BUF;
	}
}
END_TEST

START_TEST(pipe_long_write_waits_until_all_is_read)
{
	struct call w;
	size_t len = capacity * 3 + 5, got = 0;
	char *src = malloc(len), *dst = malloc(len);

	for (size_t i = 0; i < len; i++)
		src[i] = (char)(i * 31 >> 3);
	start(&w, true, src, len);
	ck_assert(!w.done);
	ck_assert_int_eq(queued(), (int)capacity);
	while (got < len) {
		long n = do_sys_read(rd, dst + got, 5000);
		ck_assert_int_gt(n, 0);
		got += (size_t)n;
	}
	native_join();
	ck_assert_int_eq(w.result, (long)len);
	ck_assert_int_eq(memcmp(src, dst, len), 0);
	free(src);
	free(dst);
}
END_TEST

START_TEST(pipe_blocked_reader_sees_the_end_when_the_writer_closes)
{
	struct call r;
	int other = (int)do_sys_dup(wr);

	start(&r, false, buf, 10);
	ck_assert_int_eq(do_sys_close(wr), 0);
	settle();
	ck_assert(!r.done); /* there is another descriptor of it */
	ck_assert_int_eq(do_sys_close(other), 0);
	native_join();
	ck_assert_int_eq(r.result, 0);
}
END_TEST

START_TEST(pipe_blocked_writer_gets_epipe_when_the_reader_closes)
{
	struct call w;

	start(&w, true, buf, capacity + 1);
	ck_assert(!w.done);
	ck_assert_int_eq(native_sent_signal(), 0);
	ck_assert_int_eq(do_sys_close(rd), 0);
	native_join();
	ck_assert_int_eq(w.result, (long)capacity); /* what was written counts */
	ck_assert_int_eq(native_sent_signal(), SIGPIPE);
	ck_assert_int_eq(polled(wr, POLLOUT) & POLLERR, POLLERR);
	ck_assert_int_eq(do_sys_write(wr, "x", 1), -EPIPE);
	ck_assert_int_eq(native_sent_signal(), SIGPIPE);
	ck_assert_int_eq(do_sys_write(wr, "x", 0), 0);
	ck_assert_int_eq(native_sent_signal(), 0);
}
END_TEST

START_TEST(pipe_closing_the_last_file_in_a_call_frees_it)
{
	struct call r;
	size_t live;

	open_pipe(0); /* the first stays; files are kept for the next time */
	ck_assert_int_eq(do_sys_close(rd), 0);
	ck_assert_int_eq(do_sys_close(wr), 0);
	live = native_alloc_live();
	open_pipe(0);
	start(&r, false, buf, 10);
	ck_assert_int_eq(do_sys_close(rd), 0); /* the call still holds it */
	ck_assert_int_eq(do_sys_write(wr, "abc", 3), 3);
	native_join();
	ck_assert_int_eq(r.result, 3);
	ck_assert_int_eq(do_sys_write(wr, "abc", 3), -EPIPE);
	ck_assert_int_eq(do_sys_close(wr), 0);
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

START_TEST(pipe_interrupted_write_says_how_much)
{
	struct call w = {.write = true, .len = capacity + 1, .buf = buf, .signal = ERESTART};

	spawn(caller, &w);
	native_join();
	ck_assert_int_eq(w.result, (long)capacity);
	native_signal(ERESTART);
	ck_assert_int_eq(do_sys_write(wr, buf, 1), -ERESTART);
	native_signal(0);
	ck_assert_int_eq(queued(), (int)capacity);
}
END_TEST

START_TEST(pipe_one_writer_wakes_all_readers)
{
	struct call r[3];
	char got[3];
	unsigned n = 0;

	for (int i = 0; i < 3; i++)
		start(&r[i], false, &got[i], 1);
	ck_assert_int_eq(do_sys_write(wr, "xy", 2), 2);
	settle();
	for (int i = 0; i < 3; i++)
		n += r[i].done;
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(do_sys_write(wr, "z", 1), 1);
	native_join();
	n = (unsigned)(got[0] + got[1] + got[2]);
	ck_assert_uint_eq(n, 'x' + 'y' + 'z');
}
END_TEST

START_TEST(pipe_bad_buffers_lose_nothing)
{
	char good[8] = "";
	struct iovec iov[2] = {{good, 2}, {(void *)8, 2}};
	struct call r;

	fill(capacity - 3);
	ck_assert_int_eq(do_sys_read(rd, buf, capacity - 3), (long)capacity - 3);
	ck_assert_int_eq(do_sys_write(wr, (void *)8, 5), -EFAULT);
	ck_assert_int_eq(do_sys_writev(wr, iov, 2), -EFAULT);
	ck_assert_int_eq(queued(), 0);
	ck_assert_int_eq(do_sys_write(wr, "abcdefgh", 8), 8); /* around the end of the ring */
	ck_assert_int_eq(do_sys_read(rd, (void *)8, 5), -EFAULT);
	ck_assert_int_eq(do_sys_readv(rd, iov, 2), -EFAULT);
	native_bad_range(good + 3, 5);
	ck_assert_int_eq(do_sys_read(rd, good, 8), -EFAULT);
	native_bad_range(NULL, 0);
	ck_assert_int_eq(queued(), 8);
	ck_assert_int_eq(do_sys_read(rd, good, 8), 8);
	ck_assert_int_eq(memcmp(good, "abcdefgh", 8), 0);
	/* A long write that breaks off where the buffer ends has written what was before it. */
	native_bad_range(buf + capacity, 1);
	start(&r, false, good, 1);
	ck_assert_int_eq(do_sys_write(wr, buf, capacity + 100), (long)capacity);
	native_join();
	ck_assert_int_eq(queued(), (int)capacity - 1);
}
END_TEST

/* ---------------------------------------------------------------- notices */

static struct watch {
	struct selwaiter sw;
	unsigned notices;
	int events;
} watch;

static void noticed(struct selwaiter *sw, int events)
{
	struct watch *w = container_of(sw, struct watch, sw);

	w->notices++;
	w->events |= events;
}

static void record(struct polltable *pt, struct selinfo *si)
{
	selwait_link(si, &watch.sw);
}

static void watch_end(int fd, int events)
{
	struct polltable pt = {record};
	struct file *fp;

	selwait_unlink(&watch.sw);
	watch = (struct watch){.sw.sw_notify = noticed};
	ck_assert_int_eq(fd_getfile(fd, &fp), 0);
	(void)fp->f_ops->fo_poll(fp, events, &pt);
	fd_putfile(fp);
}

START_TEST(pipe_tells_who_polls)
{
	watch_end(rd, POLLIN);
	ck_assert_int_eq(do_sys_write(wr, "abc", 3), 3);
	ck_assert_uint_ge(watch.notices, 1);
	ck_assert_int_eq(watch.events & POLLIN, POLLIN);
	fill(capacity - 3);
	watch_end(wr, POLLOUT);
	ck_assert_int_eq(do_sys_read(rd, buf, PIPE_BUF), PIPE_BUF);
	ck_assert_uint_ge(watch.notices, 1);
	ck_assert_int_eq(watch.events & POLLOUT, POLLOUT);
	watch_end(wr, POLLOUT);
	ck_assert_int_eq(do_sys_close(rd), 0);
	ck_assert_uint_ge(watch.notices, 1);
	/* The object dies with a waiter on it: told, and no longer linked. */
	watch.notices = 0;
	ck_assert_int_eq(do_sys_close(wr), 0);
	ck_assert_uint_eq(watch.notices, 1);
	ck_assert_ptr_null(watch.sw.sw_info);
}
END_TEST

START_TEST(pipe_writer_closing_tells_who_polls_the_reader)
{
	watch_end(rd, POLLIN);
	ck_assert_int_eq(do_sys_close(wr), 0);
	ck_assert_uint_ge(watch.notices, 1);
	selwait_unlink(&watch.sw);
}
END_TEST

static long make_pipe(void)
{
	int fds[2];
	long r = do_sys_pipe2(fds, O_CLOEXEC);

	if (r == 0) {
		ck_assert_int_eq(do_sys_close(fds[0]), 0);
		ck_assert_int_eq(do_sys_close(fds[1]), 0);
	}
	return r;
}

/* As if no struct file were left over: those of the first pipes are in use. */
static long make_pipe_from_nothing(void)
{
	static struct file *spare[64];
	static const struct fileops ops;
	unsigned n = 0;
	long r;

	while (n < NELEM(spare)) {
		unsigned long before = native_alloc_count();
		if (file_alloc(&ops, DTYPE_MISC, 0, NULL, &spare[n]) != 0)
			break;
		n++;
		if (native_alloc_count() != before)
			break; /* that one was new */
	}
	r = make_pipe();
	while (n > 0)
		file_rele(spare[--n]);
	return r;
}

START_TEST(pipe_survives_every_failed_allocation)
{
	ck_assert_int_ge(exhaust(make_pipe), 2);
	(void)make_pipe_from_nothing();
	/* Each round leaves one more struct file behind, which is no leak. */
	for (long n = 0; n < 6; n++) {
		native_alloc_fail(n);
		(void)make_pipe_from_nothing();
		native_alloc_fail(-1);
		ck_assert_int_eq(do_sys_dup(rd), 2); /* no descriptor was left */
		ck_assert_int_eq(do_sys_close(2), 0);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("pipe");
	TCase *tc = tcase_create("pipe");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, pipe_bytes_come_out_in_order_round_the_ring);
	tcase_add_test(tc, pipe_arguments_are_checked);
	tcase_add_test(tc, pipe_nothing_to_read);
	tcase_add_test(tc, pipe_write_of_pipe_buf_is_whole_or_waits);
	tcase_add_test(tc, pipe_atomic_writes_do_not_mix);
	tcase_add_test(tc, pipe_long_write_waits_until_all_is_read);
	tcase_add_test(tc, pipe_blocked_reader_sees_the_end_when_the_writer_closes);
	tcase_add_test(tc, pipe_blocked_writer_gets_epipe_when_the_reader_closes);
	tcase_add_test(tc, pipe_closing_the_last_file_in_a_call_frees_it);
	tcase_add_test(tc, pipe_interrupted_write_says_how_much);
	tcase_add_test(tc, pipe_one_writer_wakes_all_readers);
	tcase_add_test(tc, pipe_bad_buffers_lose_nothing);
	tcase_add_test(tc, pipe_tells_who_polls);
	tcase_add_test(tc, pipe_writer_closing_tells_who_polls_the_reader);
	tcase_add_test(tc, pipe_survives_every_failed_allocation);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
