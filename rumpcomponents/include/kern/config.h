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
#include <kern/linkset.h>

/*
 * Who reads a key of the document says so, once, beside the code that does: CONFIG_KEY(args,
 * "args", CONFIG_ARRAY).  A key that nothing in the image knows is named on the console; so is one
 * whose value is of another kind, which is then taken for absent.  The members of
 * objects in an array are "net.if.*.mode"; those of an object whose key alone is given are not
 * looked at.
 */
enum config_kind { CONFIG_STRING, CONFIG_ARRAY, CONFIG_OBJECT };
struct config_key {
	const char *ck_path;
	enum config_kind ck_kind;
};
#define CONFIG_KEY(id, path, kind)                                                                 \
	static const struct config_key config_key_##id = {path, kind};                             \
	LINK_SET_ADD(config_keys, config_key_##id)

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
