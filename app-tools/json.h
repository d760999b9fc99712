/* SPDX-License-Identifier: BSD-2-Clause */
/* json.h - reading JSON documents (with jsmn). */
#ifndef KILN_JSON_H
#define KILN_JSON_H

#include <stdbool.h>
#include <stddef.h>

struct json_doc;

/* A value inside a document; .doc is NULL for "no such value". */
struct json {
	const struct json_doc *doc;
	int tok;
};

/* Parse text (kept by reference).  On failure .doc is NULL and *why is set. */
struct json json_parse(const char *text, size_t len, const char **why);

/* Member `key` of an object; none if absent or v is not an object. */
struct json json_get(struct json v, const char *key);
/* Elements of an array or members of an object; 0 for anything else. */
size_t json_count(struct json v);
/*
 * Walk an array or object: for (e = json_first(v); json_ok(e); e = json_next(v, e)).
 * For an object e is the value, json_key(e) its key.
 */
struct json json_first(struct json v);
struct json json_next(struct json container, struct json e);
char *json_key(struct json e);
static inline bool json_ok(struct json v)
{
	return v.doc != NULL;
}

/* Unescaped copy of a string, or text of a primitive; NULL if none. */
char *json_string(struct json v);
/* A non-negative number; `otherwise` if there is none. */
unsigned long long json_number(struct json v, unsigned long long otherwise);
bool json_is_object(struct json v);
bool json_is_array(struct json v);
bool json_is_string(struct json v);
/* The value as it stands in the text. */
const char *json_raw(struct json v, size_t *len);

#endif
