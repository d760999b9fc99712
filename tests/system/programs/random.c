/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints 16 random bytes of getrandom() and 16 of /dev/urandom. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

static void print(const unsigned char *b, long got)
{
	if (got != 16) {
		printf("short: %ld\n", got);
		return;
	}
	for (int i = 0; i < 16; i++)
		printf("%02x", b[i]);
	putchar('\n');
}

int main(void)
{
	unsigned char b[16];
	int fd = open("/dev/urandom", O_RDONLY);

	print(b, getrandom(b, sizeof(b), 0));
	print(b, read(fd, b, sizeof(b)));
	return 0;
}
