/* SPDX-License-Identifier: BSD-2-Clause */
/* cat [SECONDS]: copies standard input to standard output, perhaps after a while. */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char buf[4096];
	ssize_t n;

	if (argc > 1)
		sleep(atoi(argv[1]));
	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
		if (write(STDOUT_FILENO, buf, n) != n)
			return 2;
	return isatty(STDIN_FILENO) ? 3 : n < 0;
}
