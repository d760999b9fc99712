/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls what is not there, twice: ENOSYS both times; the console names it once. */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

int main(void)
{
	for (int i = 0; i < 2; i++) {
		errno = 0;
		if (fork() != -1 || errno != ENOSYS)
			printf("FAIL fork: errno %d\n", errno);
		else
			printf("ok fork says ENOSYS\n");
	}
	errno = 0;
	long nr = 987; /* a number that no table has */
	if (syscall(nr) != -1 || errno != ENOSYS)
		printf("FAIL syscall(987): errno %d\n", errno);
	else
		printf("ok an unknown number says ENOSYS\n");
	return 0;
}
