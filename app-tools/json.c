/* SPDX-License-Identifier: BSD-2-Clause */
#include "json.h"
#include "util.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define JSMN_STATIC
#define JSMN_PARENT_LINKS
#define JSMN_STRICT
#include <jsmn.h>

struct json_doc {
	const char *text;
	jsmntok_t *tok;
	int ntok;
};

static const struct json none = {NULL, 0};

struct json json_parse(const char *text, size_t len, const char **why)
{
	struct json_doc *doc;
	jsmn_parser p;
	int n;

	jsmn_init(&p);
	n = jsmn_parse(&p, text, len, NULL, 0);
	if (n <= 0) {
		*why = n == JSMN_ERROR_INVAL ? "not JSON" : "incomplete JSON";
		return none;
	}
	doc = xcalloc(1, sizeof(*doc));
	doc->text = text;
	doc->tok = xcalloc((size_t)n, sizeof(*doc->tok));
	jsmn_init(&p);
	doc->ntok = jsmn_parse(&p, text, len, doc->tok, (unsigned)n);
	if (doc->ntok != n || (doc->tok[0].type != JSMN_OBJECT && doc->tok[0].type != JSMN_ARRAY)) {
		*why = "not a JSON object";
		free(doc->tok);
		free(doc);
		return none;
	}
	return (struct json){doc, 0};
}

/* Index of the token after the value at t and all that is in it. */
static int skip(const struct json_doc *doc, int t)
{
	int end = doc->tok[t].end;

	for (t++; t < doc->ntok && doc->tok[t].start < end; t++)
		continue;
	return t;
}

static struct json element(struct json container, int t)
{
	const struct json_doc *doc = container.doc;

	if (t >= doc->ntok || doc->tok[t].start >= doc->tok[container.tok].end)
		return none;
	if (doc->tok[container.tok].type == JSMN_OBJECT)
		t++; /* from the key to the value */
	return t < doc->ntok ? (struct json){doc, t} : none;
}

struct json json_first(struct json v)
{
	if (!json_is_object(v) && !json_is_array(v))
		return none;
	return element(v, v.tok + 1);
}

struct json json_next(struct json container, struct json e)
{
	return element(container, skip(e.doc, e.tok));
}

char *json_key(struct json e)
{
	return json_string((struct json){e.doc, e.tok - 1});
}

size_t json_count(struct json v)
{
	return json_is_object(v) || json_is_array(v) ? (size_t)v.doc->tok[v.tok].size : 0;
}

struct json json_get(struct json v, const char *key)
{
	if (!json_is_object(v))
		return none;
	for (struct json e = json_first(v); json_ok(e); e = json_next(v, e)) {
		char *k = json_key(e);
		bool same = strcmp(k, key) == 0;

		free(k);
		if (same)
			return e;
	}
	return none;
}

const char *json_raw(struct json v, size_t *len)
{
	const jsmntok_t *t = &v.doc->tok[v.tok];
	int quote = t->type == JSMN_STRING;

	*len = (size_t)(t->end - t->start + 2 * quote);
	return v.doc->text + t->start - quote;
}

static void add_utf8(struct sbuf *b, unsigned c)
{
	char s[4];

	if (c < 0x80) {
		s[0] = (char)c;
		sbuf_add(b, s, 1);
	} else if (c < 0x800) {
		s[0] = (char)(0xc0 | c >> 6);
		s[1] = (char)(0x80 | (c & 0x3f));
		sbuf_add(b, s, 2);
	} else if (c < 0x10000) {
		s[0] = (char)(0xe0 | c >> 12);
		s[1] = (char)(0x80 | (c >> 6 & 0x3f));
		s[2] = (char)(0x80 | (c & 0x3f));
		sbuf_add(b, s, 3);
	} else {
		s[0] = (char)(0xf0 | c >> 18);
		s[1] = (char)(0x80 | (c >> 12 & 0x3f));
		s[2] = (char)(0x80 | (c >> 6 & 0x3f));
		s[3] = (char)(0x80 | (c & 0x3f));
		sbuf_add(b, s, 4);
	}
}

static unsigned hex4(const char *s)
{
	unsigned c = 0;

	for (int i = 0; i < 4; i++)
		c = c << 4 | (unsigned)(isdigit((unsigned char)s[i])
					    ? s[i] - '0'
					    : tolower((unsigned char)s[i]) - 'a' + 10);
	return c;
}

/* jsmn has checked that escapes are well-formed. */
static void unescape(struct sbuf *b, const char *s, const char *end)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *p;

	for (; s < end; s++) {
		if (*s != '\\') {
			sbuf_add(b, s, 1);
		} else if (*++s == 'u') {
			unsigned c = hex4(s + 1);

			s += 4;
			if (c >= 0xd800 && c < 0xdc00 && end - s > 6 && s[1] == '\\' &&
			    s[2] == 'u' && hex4(s + 3) >= 0xdc00 && hex4(s + 3) < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + hex4(s + 3) - 0xdc00;
				s += 6;
			}
			add_utf8(b, c != 0 ? c : 0xfffd);
		} else {
			p = strchr(from, *s);
			sbuf_add(b, p ? &to[p - from] : s, 1);
		}
	}
}

char *json_string(struct json v)
{
	struct sbuf b = {0};
	const jsmntok_t *t;

	if (!json_ok(v))
		return NULL;
	t = &v.doc->tok[v.tok];
	if (t->type != JSMN_STRING && t->type != JSMN_PRIMITIVE)
		return NULL;
	sbuf_add(&b, "", 0);
	unescape(&b, v.doc->text + t->start, v.doc->text + t->end);
	return b.s;
}

unsigned long long json_number(struct json v, unsigned long long otherwise)
{
	const char *s;

	if (!json_ok(v) || v.doc->tok[v.tok].type != JSMN_PRIMITIVE)
		return otherwise;
	s = v.doc->text + v.doc->tok[v.tok].start;
	return isdigit((unsigned char)*s) ? strtoull(s, NULL, 10) : otherwise;
}

static bool is(struct json v, jsmntype_t type)
{
	return json_ok(v) && v.doc->tok[v.tok].type == type;
}

bool json_is_object(struct json v)
{
	return is(v, JSMN_OBJECT);
}

bool json_is_array(struct json v)
{
	return is(v, JSMN_ARRAY);
}

bool json_is_string(struct json v)
{
	return is(v, JSMN_STRING);
}
