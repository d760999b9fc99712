/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk DEVICE MODE: a disk as a program sees it.
 *   rw  the disk holds, at byte 8 n, the number n; write what t_disk.sh will look for
 *   ro  it can be read, not written
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#define SIZE	 (8 << 20) /* as t_disk.sh makes it */
#define AREA	 (4 << 20) /* half of it stays as it was */
#define NTHREADS 4

static int failed;
#define CHECK(name, e)                                                                             \
	do {                                                                                       \
		if (e) {                                                                           \
			printf("ok %s\n", name);                                                   \
		} else {                                                                           \
			printf("FAIL %s line %d errno %d\n", name, __LINE__, errno);               \
			failed = 1;                                                                \
		}                                                                                  \
	} while (0)

static const char *device;
static uint8_t *big; /* a copy of the disk as it ought to be */

static int same(const void *p, size_t off, size_t len)
{
	return memcmp(p, big + off, len) == 0;
}

static void look(int fd, int readonly)
{
	struct stat st, named;
	uint64_t bytes = 0;
	unsigned long blocks = 0;
	int sector = 0, ro = -1;

	CHECK("fstat", fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) && st.st_size == 0);
	CHECK("stat", stat(device, &named) == 0 && named.st_ino == st.st_ino &&
			  named.st_dev == st.st_dev && named.st_rdev == st.st_rdev);
	printf("number %u:%u\n", major(st.st_rdev), minor(st.st_rdev));
	CHECK("BLKGETSIZE64", ioctl(fd, BLKGETSIZE64, &bytes) == 0 && bytes == SIZE);
	CHECK("BLKGETSIZE", ioctl(fd, BLKGETSIZE, &blocks) == 0 && blocks == SIZE / 512);
	CHECK("BLKSSZGET", ioctl(fd, BLKSSZGET, &sector) == 0 && sector >= 512);
	CHECK("BLKROGET", ioctl(fd, BLKROGET, &ro) == 0 && ro == readonly);
	CHECK("BLKFLSBUF", ioctl(fd, BLKFLSBUF, 0) == 0);
	CHECK("another ioctl is ENOTTY", ioctl(fd, 0x1234, &ro) == -1 && errno == ENOTTY);
	CHECK(
	    "a bad pointer is EFAULT", ioctl(fd, BLKGETSIZE64, (void *)8) == -1 && errno == EFAULT);
	CHECK("the end", lseek(fd, 0, SEEK_END) == SIZE);
	CHECK("not beyond", lseek(fd, 1, SEEK_CUR) == -1 && errno == EINVAL);
	CHECK("mmap is refused", mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK("truncate is refused", ftruncate(fd, 0) == -1 && errno == EINVAL);
	CHECK("it is no directory", fchdir(fd) == -1 && errno == ENOTDIR);
}

static void readings(int fd)
{
	uint8_t *p = malloc(SIZE + 4096), small[3000];
	struct iovec iov[4] = {{p, 100}, {p + 100, 4096}, {p + 4196, 0}, {p + 4196, 70000}};

	CHECK("all of it", pread(fd, p, SIZE, 0) == SIZE && same(p, 0, SIZE));
	CHECK("to an odd address",
	    pread(fd, p + 13, 70001, 1536) == 70001 && same(p + 13, 1536, 70001));
	CHECK(
	    "from an odd place", pread(fd, small, 2999, 12345) == 2999 && same(small, 12345, 2999));
	CHECK("one byte", pread(fd, small, 1, 511) == 1 && same(small, 511, 1));
	CHECK("several buffers", lseek(fd, 777, SEEK_SET) == 777 && readv(fd, iov, 4) == 74196 &&
				     same(p, 777, 74196) && lseek(fd, 0, SEEK_CUR) == 777 + 74196);
	CHECK(
	    "up to the end", pread(fd, small, 3000, SIZE - 10) == 10 && same(small, SIZE - 10, 10));
	CHECK("nothing at the end", pread(fd, small, 1, SIZE) == 0);
	CHECK("nothing beyond", pread(fd, small, 1, 1LL << 62) == 0);
	CHECK("nothing at all", pread(fd, NULL, 0, 0) == 0);
	CHECK("bad memory", pread(fd, (void *)8, 512, 0) == -1 && errno == EFAULT);
	CHECK("memory that ends",
	    pread(fd, (void *)((uintptr_t)-8192), 512, 0) == -1 && errno == EFAULT);
	free(p);
}

static void put(int fd, size_t off, size_t len, const char *what)
{
	for (size_t i = 0; i < len; i++)
		big[off + i] = (uint8_t)rand();
	CHECK(what, pwrite(fd, big + off, len, (off_t)off) == (ssize_t)len);
}

static void writings(int fd)
{
	uint8_t *p = malloc(SIZE);
	struct iovec iov[2] = {{big + 200001, 5000}, {big + 205001, 5000}};

	put(fd, 0, 512, "a sector");
	put(fd, 4096, 65536, "some pages");
	put(fd, 100000, 3, "three bytes");
	put(fd, 131071, 2, "across a border");
	put(fd, 150000, 30000, "an odd range");
	put(fd, 1 << 20, 2 << 20, "two megabytes");
	put(fd, SIZE - 100, 100, "the last bytes");
	memset(big + 200001, 0x5a, 10000);
	CHECK("several buffers",
	    lseek(fd, 200001, SEEK_SET) == 200001 && writev(fd, iov, 2) == 10000);
	CHECK("no space at the end", pwrite(fd, big, 1, SIZE) == -1 && errno == ENOSPC);
	CHECK("a part before the end", pwrite(fd, big + SIZE - 512, 4096, SIZE - 512) == 512);
	CHECK("bad memory", pwrite(fd, (void *)8, 512, 512) == -1 && errno == EFAULT);
	CHECK("fsync", fsync(fd) == 0 && fdatasync(fd) == 0);
	CHECK("it reads back", pread(fd, p, SIZE, 0) == SIZE && same(p, 0, SIZE));
	free(p);
	sync();
}

/* Threads change bytes of the same sectors: none may undo what another does. */
static void *change(void *arg)
{
	int fd = open(device, O_RDWR), n = (int)(intptr_t)arg;
	uint8_t c = (uint8_t)(0xa0 + n);

	for (int i = 0; i < 64 && fd >= 0; i++)
		if (pwrite(fd, &c, 1, 500000 + NTHREADS * 7 * i + n) != 1)
			return (void *)1;
	close(fd);
	return fd < 0 ? (void *)1 : NULL;
}

static void neighbours(int fd)
{
	pthread_t t[NTHREADS];
	uint8_t p[NTHREADS * 7 * 64];
	void *r;
	int bad = 0;

	for (int n = 0; n < NTHREADS; n++)
		bad |= pthread_create(&t[n], NULL, change, (void *)(intptr_t)n);
	for (int n = 0; n < NTHREADS; n++) {
		bad |= pthread_join(t[n], &r) || r;
		for (int i = 0; i < 64; i++)
			big[500000 + NTHREADS * 7 * i + n] = (uint8_t)(0xa0 + n);
	}
	CHECK("neighbours in a sector",
	    !bad && pread(fd, p, sizeof(p), 500000) == sizeof(p) && same(p, 500000, sizeof(p)));
}

static void discarding(int fd)
{
	uint64_t range[2] = {3 << 20, 65536};
	int r = ioctl(fd, BLKDISCARD, range);
	uint8_t *p = calloc(1, 65536), *q = calloc(1, 65536);

	if (r == -1 && errno == EOPNOTSUPP) {
		printf("no discard\n");
	} else {
		CHECK("BLKDISCARD", r == 0);
		/* What it does, or whether it does anything, is the disk's business. */
		CHECK("what was discarded is gone, or not",
		    pread(fd, p, 65536, 3 << 20) == 65536 &&
			(memcmp(p, q, 65536) == 0 || same(p, 3 << 20, 65536)));
	}
	range[0] = 100;
	CHECK("odd discard", ioctl(fd, BLKDISCARD, range) == -1 && errno == EINVAL);
	range[0] = ~511ULL;
	CHECK("discard that wraps", ioctl(fd, BLKDISCARD, range) == -1 && errno == EINVAL);
	range[0] = SIZE;
	CHECK("discard beyond", ioctl(fd, BLKDISCARD, range) == -1 && errno == EINVAL);
	free(p);
	free(q);
}

static void refusals(int fd)
{
	int w = open(device, O_RDWR);
	uint64_t range[2] = {0, 512};

	CHECK("not open for writing", write(fd, big, 512) == -1 && errno == EBADF);
	CHECK("read-only: write", w >= 0 && write(w, big, 512) == -1 && errno == EPERM);
	CHECK("read-only: discard", ioctl(w, BLKDISCARD, range) == -1 && errno == EPERM);
	CHECK("read-only: fsync", fsync(w) == 0);
	close(w);
}

int main(int argc, char **argv)
{
	int fd, ro;

	if (argc < 3)
		return 2;
	device = argv[1];
	ro = strcmp(argv[2], "ro") == 0;
	big = malloc(SIZE);
	for (uint64_t i = 0; i < SIZE / 8; i++)
		memcpy(big + 8 * i, &i, 8);
	fd = open(device, (ro ? O_RDONLY : O_RDWR) | O_DIRECT | O_CLOEXEC);
	if (fd == -1) {
		printf("FAIL open %s: %s\n", device, strerror(errno));
		return 1;
	}
	look(fd, ro);
	readings(fd);
	if (ro) {
		refusals(fd);
	} else {
		writings(fd);
		neighbours(fd);
		discarding(fd);
		/* For t_disk.sh, at the end of what no other test touches. */
		CHECK("a word for the host", pwrite(fd, "written by the guest", 20, 3800000) == 20);
	}
	close(fd);
	return failed;
}
