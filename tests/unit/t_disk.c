/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks as files, on a disk made of memory that checks what it is given: random transfers against a
 * copy, for disks of many kinds; and what goes wrong.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <dev/disk.h>
#include <kern/console.h>
#include <kern/kmem.h>
#include <kern/lwp.h>
#include <kern/sysproto.h>
#include <kern/vm_map.h>

#include "check_main.h"
#include "desc_impl.h"
#include "fdworld.h"
#include "vfs_impl.h"

#define SIZE (1 << 20)

int console_open(int flags, struct file **fpp)
{
	return ENXIO;
}

/* ---- the program's memory: what lies in bad[] cannot be pinned */

static long pinned;
static const uint8_t *bad;
static size_t badlen;

size_t vm_pin(uintptr_t va, size_t npages, bool write, uint64_t *pa)
{
	size_t n;

	ck_assert_uint_eq(va & PAGE_MASK, 0);
	for (n = 0; n < npages; n++, va += PAGE_SIZE) {
		if (va < PAGE_SIZE ||
		    (badlen && va + PAGE_SIZE > (uintptr_t)bad && va < (uintptr_t)bad + badlen))
			break;
		pa[n] = page_pa((void *)va);
		pinned++;
	}
	return n;
}

void vm_unpin(const uint64_t *pa, size_t npages)
{
	pinned -= (long)npages;
}

/* ---- the disk */

static uint8_t *store, *copy;
static struct disk disk;
static struct bufq queued;
static unsigned nreads, nwrites, nflushes, ndiscards;
static struct buf *held; /* the disk takes its time with it */
static bool hold_flush;	 /* the next one */
static int fail_with;	 /* errors of transfers */
static long fail_after = -1;

static void do_transfer(struct buf *bp)
{
	uint8_t *at = store + (bp->b_blkno << DEV_BSHIFT);

	for (unsigned i = 0; i < bp->b_nseg && bp->b_op <= BUF_WRITE; i++) {
		void *va = page_va(bp->b_seg[i].ds_pa);
		memcpy(bp->b_op == BUF_READ ? va : at, bp->b_op == BUF_READ ? at : va,
		    bp->b_seg[i].ds_len);
		at += bp->b_seg[i].ds_len;
	}
	if (bp->b_op == BUF_DISCARD)
		memset(at, 0, bp->b_bcount);
}

/* When all wait: the disk does something, not in order. */
static bool disk_works(void)
{
	struct buf *bp = TAILQ_FIRST(&queued);
	int error = 0;

	if (!bp)
		return false;
	if (rand() % 2)
		bp = TAILQ_LAST(&queued, bufq);
	if (bp == held)
		bp = TAILQ_NEXT(bp, b_list) ? TAILQ_NEXT(bp, b_list) : TAILQ_PREV(bp, bufq, b_list);
	if (!bp)
		return false;
	TAILQ_REMOVE(&queued, bp, b_list);
	if (fail_after >= 0 && fail_after-- == 0)
		error = fail_with;
	if (!error)
		do_transfer(bp);
	biodone(bp, error);
	return true;
}

static void check_buf(const struct buf *bp)
{
	uint64_t bytes = 0;

	ck_assert_uint_eq((bp->b_blkno << 9) % disk.dk_secsize, 0);
	ck_assert_uint_eq(bp->b_bcount % disk.dk_secsize, 0);
	ck_assert_uint_gt(bp->b_bcount, 0);
	ck_assert_uint_le((bp->b_blkno << 9) + bp->b_bcount, SIZE);
	if (bp->b_op == BUF_DISCARD) {
		ck_assert_uint_le(bp->b_bcount >> 9, disk.dk_maxdiscard);
		return;
	}
	ck_assert_uint_le(bp->b_nseg, disk.dk_maxsegs);
	for (unsigned i = 0; i < bp->b_nseg; i++) {
		const struct disk_seg *s = &bp->b_seg[i];
		ck_assert_uint_eq((s->ds_pa | s->ds_len) % disk.dk_memalign, 0);
		if (disk.dk_boundary)
			ck_assert_uint_eq(s->ds_pa / disk.dk_boundary,
			    (s->ds_pa + s->ds_len - 1) / disk.dk_boundary);
		bytes += s->ds_len;
	}
	ck_assert_uint_eq(bytes, bp->b_bcount);
	ck_assert_uint_le(bytes, disk.dk_maxxfer);
}

static void strategy(struct disk *dk, struct buf *bp)
{
	if (bp->b_op != BUF_FLUSH)
		check_buf(bp);
	nreads += bp->b_op == BUF_READ;
	nwrites += bp->b_op == BUF_WRITE;
	nflushes += bp->b_op == BUF_FLUSH;
	ndiscards += bp->b_op == BUF_DISCARD;
	if (hold_flush && bp->b_op == BUF_FLUSH) {
		hold_flush = false;
		held = bp;
	}
	TAILQ_INSERT_TAIL(&queued, bp, b_list);
}

/* Attached anew with other properties. */
static void make_disk(
    unsigned secsize, unsigned segs, unsigned xfer, unsigned align, unsigned boundary)
{
	static int n;

	disk = (struct disk){.dk_rdev = makedev(254, 16 * n),
	    .dk_nblocks = SIZE / 512,
	    .dk_secsize = secsize,
	    .dk_flush = true,
	    .dk_maxdiscard = 64,
	    .dk_maxsegs = segs,
	    .dk_maxxfer = xfer,
	    .dk_memalign = align,
	    .dk_boundary = boundary,
	    .dk_strategy = strategy};
	snprintf(disk.dk_name, sizeof(disk.dk_name), "vd%c", 'a' + n);
	n++;
	ck_assert_int_eq(disk_attach(&disk), 0);
}

static void setup(void)
{
	ck_assert_int_eq(native_components(), 0);
	TAILQ_INIT(&queued);
	native_idle = disk_works;
	store = malloc(SIZE);
	copy = malloc(SIZE);
	for (unsigned i = 0; i < SIZE; i++)
		store[i] = copy[i] = (uint8_t)rand();
}

static void teardown(void)
{
	ck_assert_int_eq(pinned, 0);
	free(store);
	free(copy);
}

static int open_disk(int flags)
{
	char path[32];
	long fd;

	snprintf(path, sizeof(path), "/dev/%s", disk.dk_name);
	fd = do_sys_open(path, flags, 0);
	ck_assert_int_ge(fd, 0);
	return (int)fd;
}

/* ---- */

static void random_transfer(int fd, uint8_t *mem)
{
	size_t pos = (size_t)rand() % SIZE, len = (size_t)rand() % (rand() % 4 ? 9000 : 300000), at;
	struct iovec iov[4];
	unsigned n = 0;
	long want, r;

	if (rand() % 2) { /* as programs like it */
		pos &= ~511UL;
		len &= ~511UL;
	}
	want = (long)KMIN(len, SIZE - pos);
	at = (size_t)rand() % 8192;
	if (rand() % 2)
		at &= ~511UL;
	for (size_t left = len; n < 4 && (left > 0 || n == 0); n++) {
		size_t part = n == 3 ? left : rand() % 2 ? left : (size_t)rand() % (left + 1);
		iov[n] = (struct iovec){mem + at + (len - left), part};
		left -= part;
	}
	if (rand() % 2) {
		r = do_sys_preadv(fd, iov, n, pos, 0);
		ck_assert_int_eq(r, want);
		ck_assert(memcmp(mem + at, copy + pos, (size_t)want) == 0);
		return;
	}
	for (size_t i = 0; i < len; i++)
		mem[at + i] = (uint8_t)rand();
	r = do_sys_pwritev(fd, iov, n, pos, 0);
	ck_assert_int_eq(r, want);
	memcpy(copy + pos, mem + at, (size_t)want);
	ck_assert(memcmp(copy, store, SIZE) == 0);
}

START_TEST(disk_random_transfers)
{
	static const unsigned kinds[][5] = {{512, 128, 1 << 20, 1, 0},
	    {512, 11, 44 << 10, 512, 4096}, {4096, 32, 128 << 10, 512, 4096},
	    {512, 1, 4096, 512, 4096}, {1024, 3, 5000, 4, 65536}, {4096, 2, 8191, 512, 0}};
	const unsigned *k = kinds[_i];
	uint8_t *mem;
	int fd;

	ck_assert_int_eq(posix_memalign((void **)&mem, 4096, 400000), 0);
	make_disk(k[0], k[1], k[2], k[3], k[4]);
	fd = open_disk(O_RDWR);
	for (int i = 0; i < 400; i++)
		random_transfer(fd, mem);
	/* Parts that cannot be pinned are copied. */
	bad = mem + 3 * PAGE_SIZE;
	badlen = 5 * PAGE_SIZE;
	for (int i = 0; i < 200; i++)
		random_transfer(fd, mem);
	badlen = 0;
	ck_assert_int_eq(do_sys_close(fd), 0);
	free(mem);
}
END_TEST

START_TEST(disk_whole_sectors_are_not_copied)
{
	uint8_t *mem;
	int fd;

	ck_assert_int_eq(posix_memalign((void **)&mem, 4096, 1 << 20), 0);
	make_disk(512, 256, 1 << 20, 512, 4096);
	fd = open_disk(O_RDWR);
	ck_assert_int_eq(do_sys_pread64(fd, mem, SIZE, 0), SIZE);
	ck_assert_uint_eq(nreads, 1);
	ck_assert_int_eq(do_sys_pwrite64(fd, mem + 512, 1024, 512), 1024);
	ck_assert_uint_eq(nwrites, 1);
	ck_assert_uint_eq(nreads, 1);
	/* One byte: its sector is read and written; across a border: both, in one write. */
	ck_assert_int_eq(do_sys_pwrite64(fd, mem, 1, 5), 1);
	ck_assert_uint_eq(nreads, 2);
	ck_assert_int_eq(do_sys_pwrite64(fd, mem, 2, 511), 2);
	ck_assert_uint_eq(nreads, 4);
	ck_assert_uint_eq(nwrites, 3);
	ck_assert_uint_eq(nflushes, 0);
	ck_assert_int_eq(do_sys_fsync(fd), 0);
	ck_assert_uint_eq(nflushes, 1);
	ck_assert_int_eq(do_sys_sync(), 0); /* nothing was written since */
	ck_assert_uint_eq(nflushes, 1);
	ck_assert_int_eq(do_sys_close(fd), 0);
	fd = open_disk(O_RDWR | O_DSYNC);
	ck_assert_int_eq(do_sys_write(fd, mem, 512), 512);
	ck_assert_uint_eq(nflushes, 2);
	ck_assert_int_eq(do_sys_close(fd), 0);
	free(mem);
}
END_TEST

static void write_done(struct buf *bp)
{
	ck_assert_int_eq(bp->b_error, 0);
}

/* A flush says nothing of a write that ends after it began. */
START_TEST(disk_write_that_outlasts_a_flush_is_flushed)
{
	uint8_t *mem;
	struct disk_seg seg;
	struct buf w = {
	    .b_op = BUF_WRITE, .b_nseg = 1, .b_seg = &seg, .b_bcount = 512, .b_iodone = write_done};

	ck_assert_int_eq(posix_memalign((void **)&mem, 4096, 4096), 0);
	make_disk(512, 11, 44 << 10, 512, 4096);
	seg = (struct disk_seg){page_pa(mem), 512};
	held = &w;
	disk_strategy(&disk, &w);
	ck_assert_int_eq(disk_flush(&disk), 0);
	ck_assert_uint_eq(nflushes, 1);
	held = NULL;
	ck_assert(disk_works());
	ck_assert_int_eq(do_sys_sync(), 0);
	ck_assert_uint_eq(nflushes, 2);
	ck_assert_int_eq(do_sys_sync(), 0);
	ck_assert_uint_eq(nflushes, 2);
	free(mem);
}
END_TEST

static int first_flush = -1;

static void flush_first(void *arg)
{
	first_flush = disk_flush(&disk);
}

/* Nor is what was written safe while somebody else's is under way. */
START_TEST(disk_flush_under_way_is_not_over)
{
	char buf[512] = "";
	int fd;

	make_disk(512, 11, 44 << 10, 512, 4096);
	fd = open_disk(O_RDWR);
	ck_assert_int_eq(do_sys_write(fd, buf, 512), 512);
	hold_flush = true;
	ck_assert_int_eq(kthread_create(PRI_KTHREAD, -1, flush_first, NULL, "flush"), 0);
	while (!held)
		(void)lwp_sleep_until(native_now() + 1000, "the first flush");
	ck_assert_int_eq(do_sys_sync(), 0);
	ck_assert_uint_eq(nflushes, 2);
	ck_assert_int_eq(first_flush, -1);
	held = NULL;
	fail_with = EIO;
	fail_after = _i ? 0 : -1; /* loop 1: it fails */
	native_join();
	fail_after = -1;
	ck_assert_int_eq(first_flush, _i ? EIO : 0);
	ck_assert_int_eq(do_sys_sync(), 0);
	ck_assert_uint_eq(nflushes, _i ? 3 : 2);
	ck_assert_int_eq(do_sys_close(fd), 0);
}
END_TEST

START_TEST(disk_flush_that_fails_is_not_the_last)
{
	char buf[512] = "";
	int fd;

	make_disk(512, 11, 44 << 10, 512, 4096);
	fd = open_disk(O_RDWR);
	ck_assert_int_eq(do_sys_write(fd, buf, 512), 512);
	fail_with = EIO;
	fail_after = 0;
	ck_assert_int_eq(do_sys_fsync(fd), -EIO);
	fail_after = -1;
	ck_assert_int_eq(do_sys_sync(), 0);
	ck_assert_uint_eq(nflushes, 2);
	ck_assert_int_eq(do_sys_close(fd), 0);
}
END_TEST

START_TEST(disk_of_a_part_of_a_sector_ends_before_it)
{
	static char buf[4096];
	int fd;

	make_disk(4096, 11, 44 << 10, 512, 4096);
	disk.dk_nblocks = 8 * 3 + 5;
	fd = open_disk(O_RDWR);
	ck_assert_int_eq(do_sys_lseek(fd, 0, SEEK_END), 3 * 4096);
	ck_assert_int_eq(do_sys_pwrite64(fd, buf, 1, 3 * 4096), -ENOSPC);
	ck_assert_int_eq(do_sys_pread64(fd, buf, 4096, 3 * 4096), 0);
	ck_assert_int_eq(do_sys_pwrite64(fd, buf, 2, 3 * 4096 - 1), 1);
	ck_assert_int_eq(do_sys_close(fd), 0);
}
END_TEST

START_TEST(disk_ends_where_it_ends)
{
	char buf[600] = "";
	struct stat st;
	int fd;

	make_disk(512, 11, 44 << 10, 512, 4096);
	fd = open_disk(O_RDWR | O_APPEND);
	ck_assert_int_eq(do_sys_write(fd, buf, 1), -ENOSPC);
	ck_assert_int_eq(do_sys_write(fd, buf, 0), 0);
	ck_assert_int_eq(do_sys_close(fd), 0);
	fd = open_disk(O_RDWR);
	ck_assert_int_eq(do_sys_pwrite64(fd, buf, 600, SIZE - 100), 100);
	ck_assert_int_eq(do_sys_pwrite64(fd, buf, 1, SIZE), -ENOSPC);
	ck_assert_int_eq(do_sys_pwrite64(fd, buf, 1, INT64_MAX), -ENOSPC);
	ck_assert_int_eq(do_sys_pread64(fd, buf, 600, SIZE - 100), 100);
	ck_assert_int_eq(do_sys_pread64(fd, buf, 600, SIZE), 0);
	ck_assert_int_eq(do_sys_pread64(fd, buf, 600, INT64_MAX), 0);
	ck_assert_int_eq(do_sys_lseek(fd, 0, SEEK_END), SIZE);
	ck_assert_int_eq(do_sys_lseek(fd, 7, SEEK_HOLE), SIZE);
	ck_assert_int_eq(do_sys_lseek(fd, 1, SEEK_END), -EINVAL);
	ck_assert_int_eq(do_sys_lseek(fd, INT64_MAX, SEEK_END), -EOVERFLOW);
	ck_assert_int_eq(do_sys_lseek(fd, -5, SEEK_CUR), SIZE - 5);
	ck_assert_int_eq(do_sys_read(fd, buf, 600), 5);
	ck_assert_int_eq(do_sys_fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_rdev, disk.dk_rdev);
	ck_assert_uint_eq(st.st_mode, S_IFBLK | 0660);
	ck_assert_int_eq(do_sys_fchmod(fd, 0600), 0);
	ck_assert_int_eq(do_sys_fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFBLK | 0600);
	/* The size is the driver's word. */
	disk.dk_nblocks = UINT64_MAX;
	ck_assert_int_ge(do_sys_lseek(fd, 0, SEEK_END), 0);
	disk.dk_nblocks = 3;
	ck_assert_int_eq(do_sys_pread64(fd, buf, 600, 1500), 36);
	disk.dk_nblocks = 0;
	ck_assert_int_eq(do_sys_pread64(fd, buf, 600, 0), 0);
	ck_assert_int_eq(do_sys_close(fd), 0);
}
END_TEST

START_TEST(disk_bad_memory_is_efault)
{
	uint8_t *mem;
	int fd;

	ck_assert_int_eq(posix_memalign((void **)&mem, 4096, 32768), 0);
	make_disk(512, 11, 44 << 10, 512, 4096);
	fd = open_disk(O_RDWR);
	bad = mem + 8192;
	badlen = 4096;
	native_bad_range(bad, badlen);
	ck_assert_int_eq(do_sys_pread64(fd, mem + 8192, 512, 0), -EFAULT);
	ck_assert_int_eq(do_sys_pwrite64(fd, mem + 8193, 512, 0), -EFAULT);
	/* What comes before it counts. */
	ck_assert_int_eq(do_sys_pread64(fd, mem, 32768, 0), 8192);
	ck_assert_int_eq(do_sys_pwrite64(fd, mem, 32768, 0), 8192);
	memcpy(copy, mem, 8192);
	ck_assert(memcmp(copy, store, SIZE) == 0);
	native_bad_range(NULL, 0);
	badlen = 0;
	ck_assert_int_eq(do_sys_close(fd), 0);
	free(mem);
}
END_TEST

START_TEST(disk_errors_reach_the_program)
{
	uint8_t *mem;
	uint64_t range[2] = {0, 512};
	int fd;

	ck_assert_int_eq(posix_memalign((void **)&mem, 4096, 32768), 0);
	make_disk(512, 2, 8192, 512, 4096);
	fd = open_disk(O_RDWR);
	fail_with = EIO;
	for (int n = 0; n < 4; n++) {
		fail_after = n;
		ck_assert_int_eq(do_sys_pread64(fd, mem, 32768, 0), n ? 8192 * n : -EIO);
	}
	/* Through the buffer: read, read, write. */
	for (int n = 0; n < 3; n++) {
		fail_after = n;
		ck_assert_int_eq(do_sys_pwrite64(fd, mem, 514, 511), -EIO);
	}
	ck_assert(memcmp(copy, store, SIZE) == 0);
	fail_after = 0;
	ck_assert_int_eq(do_sys_fsync(fd), -EIO);
	fail_after = 0;
	ck_assert_int_eq(do_sys_ioctl(fd, BLKDISCARD, range), -EIO);
	ck_assert_int_eq(do_sys_close(fd), 0);
	free(mem);
}
END_TEST

START_TEST(disk_discard_keeps_to_limits)
{
	uint64_t range[2] = {65536, 100 * 512};
	int fd, ro;

	make_disk(512, 2, 8192, 512, 4096);
	disk.dk_maxdiscard = 33;
	fd = open_disk(O_RDWR);
	ck_assert_int_eq(do_sys_ioctl(fd, BLKDISCARD, range), 0);
	ck_assert_uint_eq(ndiscards, 4);
	memset(copy + range[0], 0, range[1]);
	ck_assert(memcmp(copy, store, SIZE) == 0);
	range[1] = UINT64_MAX - 511;
	ck_assert_int_eq(do_sys_ioctl(fd, BLKDISCARD, range), -EINVAL);
	range[0] = SIZE;
	range[1] = 512;
	ck_assert_int_eq(do_sys_ioctl(fd, BLKDISCARD, range), -EINVAL);
	ck_assert_int_eq(do_sys_ioctl(fd, BLKDISCARD, (void *)8), -EFAULT);
	range[0] = 0;
	ro = open_disk(O_RDONLY);
	ck_assert_int_eq(do_sys_ioctl(ro, BLKDISCARD, range), -EBADF);
	disk.dk_maxdiscard = 0;
	ck_assert_int_eq(do_sys_ioctl(fd, BLKDISCARD, range), -EOPNOTSUPP);
	disk.dk_readonly = true;
	ck_assert_int_eq(do_sys_ioctl(fd, BLKDISCARD, range), -EPERM);
	ck_assert_int_eq(do_sys_pwrite64(fd, range, 1, 0), -EPERM);
	ck_assert_int_eq(do_sys_close(fd), 0);
	ck_assert_int_eq(do_sys_close(ro), 0);
}
END_TEST

static int submitted(struct buf b)
{
	return disk_wait(&disk, &b);
}

START_TEST(disk_strategy_checks_requests)
{
	uint8_t *mem;
	struct disk_seg s[3];

	ck_assert_int_eq(posix_memalign((void **)&mem, 4096, 32768), 0);
	s[0] = (struct disk_seg){page_pa(mem), 4096};
	s[1] = (struct disk_seg){page_pa(mem) + 4096, 4096};
	s[2] = (struct disk_seg){page_pa(mem) + 512, 4096}; /* across a border */
	make_disk(1024, 2, 8192, 512, 4096);
#define B(blk, count, n, seg)                                                                      \
	((struct buf){.b_blkno = blk, .b_bcount = count, .b_nseg = n, .b_seg = seg})
	ck_assert_int_eq(submitted(B(0, 8192, 2, s)), 0);
	ck_assert_int_eq(submitted(B(1, 8192, 2, s)), EINVAL);
	ck_assert_int_eq(submitted(B(0, 0, 0, s)), EINVAL);
	ck_assert_int_eq(submitted(B(0, 4096, 2, s)), EINVAL);
	ck_assert_int_eq(submitted(B(0, 12288, 3, s)), EINVAL);
	ck_assert_int_eq(submitted(B(0, 4096, 1, &s[2])), EINVAL);
	ck_assert_int_eq(submitted(B(SIZE / 512, 4096, 1, s)), EINVAL);
	ck_assert_int_eq(submitted(B(SIZE / 512 - 2, 4096, 1, s)), EINVAL);
	ck_assert_int_eq(submitted(B(UINT64_MAX - 1, 4096, 1, s)), EINVAL);
	s[0] = (struct disk_seg){page_pa(mem) + 8, 4096 - 512};
	ck_assert_int_eq(submitted(B(0, 4096 - 512, 1, s)), EINVAL);
	s[0] = (struct disk_seg){UINT64_MAX - 511, 1024};
	ck_assert_int_eq(submitted(B(0, 1024, 1, s)), EINVAL);
	ck_assert_uint_eq(nreads, 1);
	ck_assert_int_eq(disk_rw(&disk, BUF_WRITE, 4, mem, 20480), 0);
	ck_assert_int_eq(disk_rw(&disk, BUF_WRITE, 4, mem, 512), EINVAL);
	ck_assert_int_eq(disk_rw(&disk, BUF_WRITE, 4, mem, 0), EINVAL);
	disk.dk_readonly = true;
	ck_assert_int_eq(disk_rw(&disk, BUF_WRITE, 4, mem, 1024), EROFS);
	ck_assert_ptr_eq(disk_find(disk.dk_name), &disk);
	ck_assert_ptr_null(disk_find("vdz"));
	free(mem);
}
END_TEST

START_TEST(disk_attach_refuses_nonsense)
{
	struct disk d;

	make_disk(512, 2, 8192, 512, 4096);
	d = disk;
	ck_assert_int_eq(disk_attach(&d), EEXIST);
	strcpy(d.dk_name, "other");
	ck_assert_int_eq(disk_attach(&d), EEXIST);
#define NONSENSE(field, value)                                                                     \
	d = disk;                                                                                  \
	d.field = value;                                                                           \
	ck_assert_int_eq(disk_attach(&d), EINVAL)
	NONSENSE(dk_secsize, 0);
	NONSENSE(dk_secsize, 256);
	NONSENSE(dk_secsize, 8192);
	NONSENSE(dk_secsize, 1536);
	NONSENSE(dk_memalign, 0);
	NONSENSE(dk_memalign, 1024);
	NONSENSE(dk_boundary, 512);
	NONSENSE(dk_maxsegs, 0);
	NONSENSE(dk_maxxfer, 2048);
	/* Two disks of one kind; block devices of no disk. */
	ck_assert_int_eq(do_sys_mknod("/none", S_IFBLK | 0600, 0x103), 0);
	ck_assert_int_eq(do_sys_open("/none", O_RDONLY, 0), -ENXIO);
	ck_assert_int_eq(do_sys_mknod("/chr", S_IFCHR | 0600, disk.dk_rdev), 0);
	ck_assert_int_eq(do_sys_open("/chr", O_RDONLY, 0), -ENXIO);
}
END_TEST

static uint8_t *scenario_mem;

static long use_disk(void)
{
	char path[32];
	long fd, r, w;

	snprintf(path, sizeof(path), "/dev/%s", disk.dk_name);
	fd = do_sys_open(path, O_RDWR, 0);
	if (fd < 0) {
		cache_purge_vnode(vfs_root);
		return fd;
	}
	r = do_sys_pread64((int)fd, scenario_mem, 16384, 512);
	w = r < 0 ? r : do_sys_pwrite64((int)fd, scenario_mem, 16000, 100);
	ck_assert_int_eq(do_sys_close((int)fd), 0);
	ck_assert_int_eq(pinned, 0);
	cache_purge_vnode(vfs_root);
	return w;
}

START_TEST(disk_survives_every_failed_allocation)
{
	ck_assert_int_eq(posix_memalign((void **)&scenario_mem, 4096, 16384), 0);
	make_disk(512, 2, 8192, 512, 4096);
	ck_assert_int_ge(exhaust(use_disk), 3);
	free(scenario_mem);
}
END_TEST

/* Threads on one sector: none undoes what another does. */
static void one_byte(void *arg)
{
	int fd = open_disk(O_RDWR);
	uint8_t c = (uint8_t)(uintptr_t)arg;

	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(do_sys_pwrite64(fd, &c, 1, c + 16 * i), 1);
	ck_assert_int_eq(do_sys_close(fd), 0);
}

START_TEST(disk_neighbours_in_a_sector)
{
	make_disk(512, 2, 8192, 512, 4096);
	for (uintptr_t n = 1; n <= 4; n++)
		spawn(one_byte, (void *)n);
	native_join();
	for (unsigned n = 1; n <= 4; n++)
		for (unsigned i = 0; i < 20; i++)
			copy[n + 16 * i] = (uint8_t)n;
	ck_assert(memcmp(copy, store, SIZE) == 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("disk");
	TCase *tc = tcase_create("disk");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, disk_random_transfers, 0, 6);
	tcase_add_test(tc, disk_whole_sectors_are_not_copied);
	tcase_add_test(tc, disk_write_that_outlasts_a_flush_is_flushed);
	tcase_add_loop_test(tc, disk_flush_under_way_is_not_over, 0, 2);
	tcase_add_test(tc, disk_flush_that_fails_is_not_the_last);
	tcase_add_test(tc, disk_of_a_part_of_a_sector_ends_before_it);
	tcase_add_test(tc, disk_ends_where_it_ends);
	tcase_add_test(tc, disk_bad_memory_is_efault);
	tcase_add_test(tc, disk_errors_reach_the_program);
	tcase_add_test(tc, disk_discard_keeps_to_limits);
	tcase_add_test(tc, disk_strategy_checks_requests);
	tcase_add_test(tc, disk_attach_refuses_nonsense);
	tcase_add_test(tc, disk_survives_every_failed_allocation);
	tcase_add_test(tc, disk_neighbours_in_a_sector);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
