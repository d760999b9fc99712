/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diskload DEVICE: threads read and write a disk until its first sector begins with "stop", or
 * until an error; what they read must be what they wrote.  Prints the longest time that a transfer
 * took, and the error, if any.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NTHREADS 3
#define AREA	 (1 << 20)
#define MOST	 (160 << 10)

static const char *device;
static volatile int error, wrong;
static volatile unsigned long count;
static unsigned long longest[NTHREADS];

static unsigned long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long)ts.tv_sec * 1000 + (unsigned long)ts.tv_nsec / 1000000;
}

static int transfer(int n, int fd, int rw, uint8_t *p, size_t len, off_t at)
{
	unsigned long t0 = now_ms(), t;
	ssize_t r = rw ? pwrite(fd, p, len, at) : pread(fd, p, len, at);

	t = now_ms() - t0;
	if (t > longest[n])
		longest[n] = t;
	__atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	if (r == (ssize_t)len)
		return 0;
	error = r == -1 ? errno : EIO; /* a part of it was transferred */
	return -1;
}

static void *work(void *arg)
{
	int n = (int)(intptr_t)arg, fd = open(device, O_RDWR);
	uint8_t *model = malloc(AREA), *p = aligned_alloc(4096, MOST + 4096);
	off_t base = (off_t)(n + 1) * AREA;
	unsigned seed = (unsigned)n;

	if (fd == -1)
		error = errno;
	else
		transfer(n, fd, 0, model, AREA, base);
	while (!error) {
		size_t at = (size_t)rand_r(&seed) % (AREA - MOST),
		       len = (size_t)rand_r(&seed) % MOST + 1;
		int rw = rand_r(&seed) % 2;
		uint8_t *q = p + (rand_r(&seed) % 2 ? 0 : rand_r(&seed) % 4096);

		if (rand_r(&seed) % 4) {
			at &= ~511UL;
			len = (len + 511) & ~511UL;
		}
		if (rw) {
			memset(q, (int)rand_r(&seed), len);
			memcpy(model + at, q, len);
		}
		if (transfer(n, fd, rw, q, len, base + (off_t)at) == -1)
			break;
		if (!rw && memcmp(model + at, q, len) != 0)
			wrong = 1;
		if (rand_r(&seed) % 16 == 0 && fsync(fd) == -1)
			error = errno;
		usleep(30000); /* an emulated host has other things to do, too */
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[NTHREADS];
	unsigned long most = 0;

	device = argc > 1 ? argv[1] : "/dev/xvda";
	for (int n = 0; n < NTHREADS; n++)
		if (pthread_create(&t[n], NULL, work, (void *)(intptr_t)n) != 0)
			return 1;
	printf("begun\n");
	for (int n = 0; n < NTHREADS; n++) {
		pthread_join(t[n], NULL);
		most = longest[n] > most ? longest[n] : most;
	}
	printf("%s what was read is what was written\n", wrong ? "FAIL" : "ok");
	printf("%lu transfers, the longest took %lu ms\n", count, most);
	printf("end: %s\n", strerror(error));
	sleep(3); /* until xl has seen that we let go of a disk */
	return wrong;
}
