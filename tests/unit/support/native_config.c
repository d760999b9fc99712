/* SPDX-License-Identifier: BSD-2-Clause */
/* The launch configuration as a test sets it, path by path. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <kern/config.h>
#include <kern/systm.h>

#include "native.h"

#define NCONFIG 64

static struct {
	char path[64], value[192];
} entries[NCONFIG];
static unsigned nentries;

static int find(const char *path)
{
	for (unsigned i = 0; i < nentries; i++) {
		if (strcmp(entries[i].path, path) == 0)
			return (int)i;
	}
	return -1;
}

void native_config(const char *path, const char *value)
{
	int i = find(path);

	if (value == NULL) {
		if (i >= 0)
			entries[i] = entries[--nentries];
		return;
	}
	KASSERT(i >= 0 || nentries < NCONFIG);
	if (i < 0)
		i = (int)nentries++;
	KASSERT(strlcpy(entries[i].path, path, sizeof(entries[i].path)) < sizeof(entries[i].path));
	KASSERT(
	    strlcpy(entries[i].value, value, sizeof(entries[i].value)) < sizeof(entries[i].value));
}

const char *config_string(const char *path)
{
	int i = find(path);

	return i < 0 ? NULL : entries[i].value;
}

int config_uint(const char *path, uint64_t min, uint64_t max, uint64_t *value)
{
	const char *s = config_string(path);
	uint64_t v;
	char *end;

	if (s == NULL)
		return ENOENT;
	v = strtoull(s, &end, 10);
	if (end == s || *end != '\0' || v < min || v > max) {
		config_complain(path, s, "a number in range");
		return EINVAL;
	}
	*value = v;
	return 0;
}

/* The children of path are the distinct next components of the paths below it. */
static bool child(const char *path, unsigned n, char *key, size_t size, const char **value)
{
	size_t plen = strlen(path);
	char last[64] = "";

	for (unsigned i = 0; i < nentries; i++) {
		const char *rest = entries[i].path + plen + 1;
		char name[64];

		if (strncmp(entries[i].path, path, plen) != 0 || entries[i].path[plen] != '.')
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(rest, "."), rest);
		if (strcmp(name, last) == 0)
			continue;
		strlcpy(last, name, sizeof(last));
		if (n-- == 0) {
			strlcpy(key, name, size);
			*value = rest[strlen(name)] == '\0' ? entries[i].value : NULL;
			return true;
		}
	}
	return false;
}

unsigned config_count(const char *path)
{
	const char *value;
	char key[64];
	unsigned n = 0;

	while (child(path, n, key, sizeof(key), &value))
		n++;
	return n;
}

bool config_pair(const char *path, unsigned n, const char **key, const char **value)
{
	static char names[8][64];
	static unsigned turn;
	char *name = names[turn++ % 8];

	*key = name;
	return child(path, n, name, sizeof(names[0]), value);
}

void config_complain(const char *path, const char *value, const char *accepted)
{
	kprintf("kiln: configuration: %s: '%s' is not %s\n", path, value, accepted);
}
