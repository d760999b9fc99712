/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The launch configuration: one JSON document (docs/configuration.md), parsed
 * and validated once at boot with jsmn.  The defaults that bake put into the
 * image come first, the launcher's document overrides key by key.
 */
#ifndef KERN_CONFIG_H
#define KERN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Value at a path such as "net.if.0.address": NULL if absent.  Strings are
 * unescaped and NUL-terminated, owned by the configuration, valid for ever.
 */
const char *config_string(const char *path);
/* ENOENT if absent; EINVAL (and a console message naming key, value and what is accepted) if not a
 * number in range. */
int config_uint(const char *path, uint64_t min, uint64_t max, uint64_t *value);
/* Number of elements of the array or object at path; 0 if absent. */
unsigned config_count(const char *path);
/* The n-th key and value of the object at path (e.g. "env"); false past the end. */
bool config_pair(const char *path, unsigned n, const char **key, const char **value);
/* Say on the console that a value is wrong: key, value, what would be accepted. */
void config_complain(const char *path, const char *value, const char *accepted);

#endif
