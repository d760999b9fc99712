/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One JSON document: parsed and checked as a whole, then only looked at.
 * A node is an index; 0 is the root object, -1 is none.
 */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#ifndef JSMN_STATIC
#define JSMN_HEADER /* only the types */
#endif
#include <jsmn.h>

#define DOCUMENT_MAX	    65536
#define DOCUMENT_TOKENS_MAX 4096
#define DOCUMENT_DEPTH_MAX  16

struct document {
	char *doc_text;	    /* a copy; strings are unescaped in it */
	jsmntok_t *doc_tok; /* NULL: no document */
	unsigned doc_ntok;
	size_t doc_size, doc_toksize; /* of the allocations */
};

enum node_kind { NODE_OBJECT, NODE_ARRAY, NODE_VALUE };

/* Length of the object that starts at text ('{'), 0 if it does not end within max bytes. */
size_t config_doc_length(const char *text, size_t max);
/* Parse text[0..len), an object.  EINVAL with *why and *where (offset) set, ENOMEM, E2BIG. */
int config_doc_parse(
    struct document *d, const char *text, size_t len, const char **why, size_t *where);
void config_doc_free(struct document *d);

enum node_kind config_doc_kind(const struct document *d, int node);
/* Elements of an array, keys of an object. */
unsigned config_doc_count(const struct document *d, int node);
/* The n-th element, or the n-th key's value with *key set; -1 past the end. */
int config_doc_child(const struct document *d, int node, unsigned n, const char **key);
/* Value of the key (len bytes) in an object, element of that number in an array; -1 if absent. */
int config_doc_find(const struct document *d, int node, const char *key, size_t len);
/* Have the key whose value this is found no more. */
void config_doc_forget(struct document *d, int node);
/* Text of a string, number, true or false; NULL of null, an object or an array. */
const char *config_doc_text(const struct document *d, int node);

#endif
