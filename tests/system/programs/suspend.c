/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suspend [DISK]: what can be seen of being put away, from inside.  A thread for each of two CPUs
 * reads the monotonic clock all the time, two others map memory, fill it, protect it and unmap it,
 * one writes the disk and reads it again, a TCP server on port 80 tells how many ticks and blocks
 * there were and what time it is, and main prints one four times a second until SIGTERM.  Then it
 * says how it was.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SEC	   1000000000L
#define TICK	   (SEC / 4)
#define LATE	   (20 * SEC) /* no pause counts for the monotonic clock; an emulated machine is slow */
#define BLOCK	   4096
#define DISK_BYTES (1 << 20)
#define PAGE	   4096
#define PAGES	   48 /* more than one list of changes of page tables */

static volatile sig_atomic_t ended;
static atomic_long latest; /* monotonic time that somebody has seen */
static atomic_int backwards, bad_blocks, blocks, bad_maps, maps, ticks;
static const char *disk;

static void on_sigterm(int sig)
{
	ended = sig;
}

static long now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static void sleep_ns(long ns)
{
	struct timespec ts = {ns / SEC, ns % SEC};

	nanosleep(&ts, NULL);
}

static void *clock_thread(void *arg)
{
	while (!ended) {
		for (int i = 0; i < 1000; i++) {
			long seen = latest, is = now(CLOCK_MONOTONIC);

			if (is < seen)
				backwards++;
			while (seen < is && !atomic_compare_exchange_weak(&latest, &seen, is))
				continue;
		}
		sleep_ns(SEC / 100);
	}
	return arg;
}

static void *map_thread(void *arg)
{
	while (!ended) {
		char *p = mmap(
		    NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		int bad = p == MAP_FAILED;

		for (int i = 0; !bad && i < PAGES; i++)
			memset(p + i * PAGE, i + 1, PAGE);
		bad |= !bad && (mprotect(p, PAGES * PAGE, PROT_NONE) != 0 ||
				   mprotect(p, PAGES * PAGE, PROT_READ) != 0);
		for (int i = 0; !bad && i < PAGES; i++)
			bad |= p[i * PAGE] != i + 1 || p[i * PAGE + PAGE - 1] != i + 1;
		bad |= !bad && munmap(p, PAGES * PAGE) != 0;
		bad_maps += bad;
		maps++;
		sleep_ns(SEC / 200);
	}
	return arg;
}

static void *disk_thread(void *arg)
{
	static char out[BLOCK], in[BLOCK];
	int fd;

	while ((fd = open(disk, O_RDWR)) < 0 && !ended) /* its back end may be slow */
		sleep_ns(TICK);
	for (unsigned n = 1; fd >= 0 && !ended; n++) {
		off_t at = (off_t)n * BLOCK % DISK_BYTES,
		      before = (off_t)(n / 2) * BLOCK % DISK_BYTES;

		memset(out, (int)(at / BLOCK), BLOCK);
		if (pwrite(fd, out, BLOCK, at) != BLOCK || pread(fd, in, BLOCK, before) != BLOCK)
			bad_blocks++;
		else if (n > DISK_BYTES / BLOCK && in[17] != (char)(before / BLOCK))
			bad_blocks++;
		else
			blocks++;
		sleep_ns(SEC / 50);
	}
	return arg;
}

static void *server_thread(void *arg)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(80)};
	int s = socket(AF_INET, SOCK_STREAM, 0), on = 1, fd;
	char request[1000], answer[100];

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(s, (struct sockaddr *)&sin, sizeof(sin)) != 0 || listen(s, 8) != 0) {
		printf("FAIL server\n");
		return arg;
	}
	while ((fd = accept(s, NULL, NULL)) >= 0) {
		if (read(fd, request, sizeof(request)) > 0) {
			snprintf(answer, sizeof(answer), "HTTP/1.0 200 OK\r\n\r\n%d %d %ld\n",
			    ticks, blocks, now(CLOCK_REALTIME) / SEC);
			(void)!write(fd, answer, strlen(answer));
		}
		close(fd);
	}
	return arg;
}

static void result(int good, const char *what, long n)
{
	printf("%s %s: %ld\n", good ? "ok" : "FAIL", what, n);
}

int main(int argc, char **argv)
{
	long offset = 0, was = now(CLOCK_MONOTONIC), longest = 0, is, shift;
	pthread_t t;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_sigterm);
	disk = argc > 1 ? argv[1] : NULL;
	pthread_create(&t, NULL, clock_thread, NULL);
	pthread_create(&t, NULL, clock_thread, NULL);
	pthread_create(&t, NULL, map_thread, NULL);
	pthread_create(&t, NULL, map_thread, NULL);
	pthread_create(&t, NULL, server_thread, NULL);
	if (disk)
		pthread_create(&t, NULL, disk_thread, NULL);
	while (!ended) {
		sleep_ns(TICK);
		is = now(CLOCK_MONOTONIC);
		if (is - was > longest)
			longest = is - was;
		was = is;
		shift = now(CLOCK_REALTIME) - is - offset;
		offset += shift;
		if (ticks > 0 && labs(shift) > SEC / 2)
			printf("paused for %ld s\n", (shift + SEC / 2) / SEC);
		printf("tick %d\n", ++ticks);
	}
	result(backwards == 0, "time that went backwards", backwards);
	result(longest < LATE, "longest tick, ms", longest / 1000000);
	result(bad_maps == 0 && maps > 0, "times that memory was mapped", maps);
	if (disk)
		result(bad_blocks == 0 && blocks > 0, "blocks written and read", blocks);
	return 0;
}
