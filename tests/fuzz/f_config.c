/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration parser: any command line.  What it accepts is then walked and
 * looked up, so that the accessors meet every shape of document.
 */
#include <stdlib.h>
#include <string.h>

#include <kern/config.h>
#include <kern/config_init.h>

#include "native.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const char *path)
{
	const char *key, *value;
	uint64_t v;

	(void)config_string(path);
	(void)config_uint(path, 1, 100, &v);
	for (unsigned n = 0, count = config_count(path); n < count && n < 8; n++)
		if (config_pair(path, n, &key, &value) && value != NULL &&
		    strlen(key) + strlen(value) == SIZE_MAX)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1);

	memcpy(line, data, size);
	line[size] = '\0';
	if (config_init(line) == 0) {
		look("args");
		look("args.0");
		look("env");
		look("env.A");
		look("a.b.c");
		look("net.if.0.address");
		look("");
		look(".");
	}
	free(line);
	return 0;
}
