/* SPDX-License-Identifier: BSD-2-Clause */
/* Known numbers of things, for t_stats.sh. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MEGABYTES 12
#define PINGS	  200
#define SLEEPS	  20
#define PACKETS	  10

static int to[2], from[2];

static void *echo(void *arg)
{
	char c;

	for (int i = 0; i < PINGS; i++)
		if (read(to[0], &c, 1) != 1 || write(from[1], &c, 1) != 1)
			abort();
	return arg;
}

static void switches(void)
{
	pthread_t t;
	char c = 0;

	if (pipe(to) != 0 || pipe(from) != 0)
		abort();
	pthread_create(&t, NULL, echo, NULL);
	for (int i = 0; i < PINGS; i++)
		if (write(to[1], &c, 1) != 1 || read(from[0], &c, 1) != 1)
			abort();
	pthread_join(t, NULL);
}

/* Backwards: nothing is filled ahead. */
static void memory(void)
{
	size_t size = MEGABYTES << 20;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	for (size_t i = size; i > 0; i -= 4096)
		p[i - 1] = 1;
	munmap(p, size);
}

static void packets(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[100] = {0};

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < PACKETS; i++)
		(void)!sendto(fd, buf, sizeof(buf), 0, (struct sockaddr *)&in, sizeof(in));
	close(fd);
}

int main(int argc, char **argv)
{
	struct timespec ts = {0, 3000000};

	switches();
	memory();
	packets();
	for (int i = 0; i < SLEEPS; i++)
		nanosleep(&ts, NULL);
	for (int i = 0; i < 123; i++)
		getppid();
	for (int i = 0; i < 7; i++)
		close(-1);
	puts("done");
	if (argc > 1 && strcmp(argv[1], "crash") == 0)
		*(volatile int *)((size_t)argc * 8) = 1;
	return 0;
}
