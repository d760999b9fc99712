/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two documents, the launcher's before the image's defaults.  Objects are merged key by
 * key; an array or a value of the launcher's hides the default wholly.
 *
 * Read-only after config_init(), so there are no locks.
 */
#include <kern/config.h>
#include <kern/config_init.h>
#include <kern/systm.h>
#include "document.h"

enum { LAUNCHER, DEFAULTS, NDOCS };
static struct document docs[NDOCS];

extern const char __kiln_config_start[] __attribute__((weak));
extern const char __kiln_config_end[] __attribute__((weak));

/* Node at path, or -1; *hides if this document leaves nothing to the next one. */
static int resolve(const struct document *d, const char *path, bool *hides)
{
	size_t len;
	int node = 0;

	*hides = false;
	if (d->doc_tok == NULL)
		return -1;
	while (*path != '\0') {
		for (len = 0; path[len] != '\0' && path[len] != '.'; len++)
			continue;
		if (config_doc_kind(d, node) != NODE_OBJECT)
			*hides = true;
		node = config_doc_find(d, node, path, len);
		if (node < 0)
			return -1;
		path += len + (path[len] == '.');
	}
	*hides = config_doc_kind(d, node) != NODE_OBJECT;
	return node;
}

/* First document that has path, and the node there. */
static const struct document *lookup(const char *path, int *node)
{
	bool hides = false;

	for (unsigned i = 0; i < NDOCS && !hides; i++) {
		*node = resolve(&docs[i], path, &hides);
		if (*node >= 0)
			return &docs[i];
	}
	return NULL;
}

const char *config_string(const char *path)
{
	const struct document *d;
	int node;

	d = lookup(path, &node);
	return d != NULL ? config_doc_text(d, node) : NULL;
}

static int parse_uint(const char *s, uint64_t *value)
{
	uint64_t v = 0;

	if (*s == '\0')
		return EINVAL;
	for (; *s != '\0'; s++)
		if (*s < '0' || *s > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return EINVAL;
	*value = v;
	return 0;
}

int config_uint(const char *path, uint64_t min, uint64_t max, uint64_t *value)
{
	const char *s = config_string(path);
	char accepted[64];
	uint64_t v = 0;

	if (s == NULL)
		return ENOENT;
	if (parse_uint(s, &v) == 0 && v >= min && v <= max) {
		*value = v;
		return 0;
	}
	ksnprintf(accepted, sizeof(accepted), "a number from %lu to %lu", (unsigned long)min,
	    (unsigned long)max);
	config_complain(path, s, accepted);
	return EINVAL;
}

void config_complain(const char *path, const char *value, const char *accepted)
{
	kprintf("kiln: configuration: %s is \"%s\", but must be %s\n", path, value, accepted);
}

/* The n-th pair of the merged object: the launcher's, then the defaults that it does not have. */
bool config_pair(const char *path, unsigned n, const char **key, const char **value)
{
	int node[NDOCS], child;
	bool hides = false;

	for (unsigned i = 0; i < NDOCS && !hides; i++) {
		node[i] = resolve(&docs[i], path, &hides);
		if (node[i] < 0 || config_doc_kind(&docs[i], node[i]) != NODE_OBJECT)
			continue;
		for (unsigned k = 0; (child = config_doc_child(&docs[i], node[i], k, key)) >= 0;
		     k++) {
			if (i == DEFAULTS && node[LAUNCHER] >= 0 &&
			    config_doc_find(&docs[LAUNCHER], node[LAUNCHER], *key, strlen(*key)) >=
				0)
				continue;
			if (n-- == 0) {
				*value = config_doc_text(&docs[i], child);
				return true;
			}
		}
	}
	return false;
}

unsigned config_count(const char *path)
{
	const struct document *d;
	const char *key, *value;
	unsigned n = 0;
	int node;

	d = lookup(path, &node);
	if (d == NULL || config_doc_kind(d, node) == NODE_VALUE)
		return 0;
	if (config_doc_kind(d, node) == NODE_ARRAY)
		return config_doc_count(d, node);
	while (config_pair(path, n, &key, &value))
		n++;
	return n;
}

static int parse(struct document *d, const char *what, const char *text, size_t max)
{
	size_t len = config_doc_length(text, max), where = 0;
	const char *why = "it does not end";
	int error = EINVAL;

	if (len > 0)
		error = config_doc_parse(d, text, len, &why, &where);
	if (error == ENOMEM)
		why = "no memory for it";
	if (error != 0)
		kprintf("kiln: configuration: %s: %s (byte %lu, near \"%.16s\")\n", what, why,
		    (unsigned long)where, KMIN(where, len) < max ? text + KMIN(where, len) : "");
	return error;
}

LINK_SET_DECLARE(config_keys, const struct config_key);
CONFIG_KEY(hosted, "hosted", CONFIG_OBJECT); /* the platform's, which has read it */

/* What is known of prefix.key: its descriptor or NULL; *inner: something of what it holds. */
static const struct config_key *known(const char *prefix, const char *key, bool *inner)
{
	const struct config_key *const *ck, *found = NULL;
	size_t len = strlen(prefix), keylen = strlen(key);

	*inner = false;
	LINK_SET_FOREACH (ck, config_keys) {
		const char *path = (*ck)->ck_path;

		if (strncmp(path, prefix, len) != 0 || strncmp(path + len, key, keylen) != 0)
			continue;
		if (path[len + keylen] == '\0')
			found = *ck;
		*inner |= path[len + keylen] == '.';
	}
	return found;
}

#define PATH_MAX_SHOWN 48

static void check_keys(struct document *d, int object, const char *prefix, const char *shown);

/* The elements of an array of objects whose members are known as prefix.*.member. */
static void check_elements(struct document *d, int array, const char *prefix, const char *shown)
{
	char longer[PATH_MAX_SHOWN], element[PATH_MAX_SHOWN];
	bool inner;
	int node;

	(void)known(prefix, "*", &inner);
	if (!inner)
		return;
	ksnprintf(longer, sizeof(longer), "%s*.", prefix);
	for (unsigned n = 0; (node = config_doc_child(d, array, n, NULL)) >= 0; n++) {
		ksnprintf(element, sizeof(element), "%s%u.", shown, n);
		if (config_doc_kind(d, node) == NODE_OBJECT)
			check_keys(d, node, longer, element);
		else
			kprintf("kiln: configuration: %s%u must be an object\n", shown, n);
	}
}

/*
 * Complain of members of an object that nobody reads; those of a wrong kind are found no more.
 * prefix is how keys name them ("net.if.*."), shown what the user calls them ("net.if.0.").
 */
static void check_keys(struct document *d, int object, const char *prefix, const char *shown)
{
	static const char *const kinds[] = {"a string", "an array", "an object"};
	static const enum config_kind kind_of[] = {[NODE_OBJECT] = CONFIG_OBJECT,
	    [NODE_ARRAY] = CONFIG_ARRAY,
	    [NODE_VALUE] = CONFIG_STRING};
	char longer[PATH_MAX_SHOWN], inside[PATH_MAX_SHOWN];
	const struct config_key *ck;
	const char *key;
	int node;

	for (unsigned n = 0; (node = config_doc_child(d, object, n, &key)) >= 0; n++) {
		enum node_kind kind = config_doc_kind(d, node);
		bool inner;

		ck = known(prefix, key, &inner);
		if (!ck && !inner) {
			kprintf(
			    "kiln: configuration: nothing in this image knows %s%s\n", shown, key);
			continue;
		}
		if (ck ? ck->ck_kind != kind_of[kind] : kind != NODE_OBJECT) {
			kprintf("kiln: configuration: %s%s must be %s\n", shown, key,
			    ck ? kinds[ck->ck_kind] : "an object");
			config_doc_forget(d, node);
			continue;
		}
		if (!inner)
			continue;
		ksnprintf(longer, sizeof(longer), "%s%s.", prefix, key);
		ksnprintf(inside, sizeof(inside), "%s%s.", shown, key);
		if (kind == NODE_ARRAY)
			check_elements(d, node, longer, inside);
		else
			check_keys(d, node, longer, inside);
	}
}

int config_init(const char *cmdline)
{
	const char *start = strchr(cmdline, '{');
	size_t max;
	int error = 0;

	for (unsigned i = 0; i < NDOCS; i++)
		config_doc_free(&docs[i]);
	if ((uintptr_t)__kiln_config_start != 0) {
		max = (size_t)(__kiln_config_end - __kiln_config_start);
		error = parse(&docs[DEFAULTS], "the image's defaults", __kiln_config_start, max);
	}
	if (error == 0 && start != NULL)
		error = parse(&docs[LAUNCHER], "the launcher's document", start, strlen(start));
	if (error == 0 && docs[LAUNCHER].doc_tok != NULL)
		check_keys(&docs[LAUNCHER], 0, "", "");
	return error;
}
