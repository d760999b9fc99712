/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes memory until there is none, gives it back, goes on: three times, with the same result. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE (64 * 1024)
#define MOST  65536

static void *pieces[MOST];

static int take_all(void)
{
	int n = 0;

	while (n < MOST && (pieces[n] = malloc(PIECE)) != NULL)
		memset(pieces[n++], 0x5a, PIECE);
	return n;
}

int main(void)
{
	int first = 0;

	for (int round = 0; round < 3; round++) {
		int n = take_all();
		printf("round %d: %d pieces of %d KB, then NULL\n", round, n, PIECE / 1024);
		if (n == MOST || n == 0) {
			printf("FAIL exhaust: no end, or no beginning\n");
			return 1;
		}
		for (int i = 0; i < n; i++)
			free(pieces[i]);
		if (round == 0)
			first = n;
		else if (n < first - first / 50) {
			printf(
			    "FAIL exhaust: %d pieces at first, %d now: memory is lost\n", first, n);
			return 1;
		}
	}
	printf("ok exhaust\n");
	return 0;
}
