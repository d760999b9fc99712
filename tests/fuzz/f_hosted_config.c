/* SPDX-License-Identifier: BSD-2-Clause */
/* The scanner of the hosted platform's configuration: any text, read once, never past its end. */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "hosted.h"

static jmp_buf died;

void hosted_die(const char *what, long error)
{
	longjmp(died, 1);
}

size_t hosted_strlen(const char *s)
{
	return strlen(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (setjmp(died) == 0) {
		hosted_config_parse(text);
		if (hosted_config.ncpu < 1 || hosted_config.ncpu > RUMPUSER_MAXCPUS ||
		    hosted_config.memory % RUMPUSER_PAGE_SIZE != 0 || hosted_config.netfd < -1)
			abort();
	}
	free(text);
	return 0;
}
