/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest program that anybody writes. */
#include <stdio.h>

int main(int argc, char **argv)
{
	printf("Hello, %s!\n", argc > 1 ? argv[1] : "world");
	return 0;
}
