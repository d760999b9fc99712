/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON (RFC 8259) by way of jsmn, which finds tokens but is lenient about what
 * stands where: check() sees to the rest, so that afterwards every key is a
 * string with one value and every primitive is a number, true, false or null.
 *
 * Afterwards each token's text is terminated by a NUL in our copy: for a string
 * over its closing quote or before it, for a primitive over its delimiter.
 */
#include <kern/kmem.h>
#include <kern/systm.h>

#define JSMN_STATIC
#define JSMN_STRICT
#include "document.h"

size_t config_doc_length(const char *text, size_t max)
{
	unsigned depth = 0;
	bool string = false;

	for (size_t i = 0; i < max && text[i] != '\0'; i++) {
		char c = text[i];

		if (string) {
			if (c == '\\' && i + 1 < max && text[i + 1] != '\0')
				i++;
			else if (c == '"')
				string = false;
		} else if (c == '"') {
			string = true;
		} else if (c == '{') {
			depth++;
		} else if (c == '}' && --depth == 0) {
			return i + 1;
		}
	}
	return 0;
}

/* The token behind tok[i] and all that is in it. */
static unsigned after(const struct document *d, unsigned i)
{
	int end = d->doc_tok[i].end;

	for (i++; i < d->doc_ntok && d->doc_tok[i].start < end; i++)
		continue;
	return i;
}

static int hex4(const char *s)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		char c = s[i];

		v <<= 4;
		if (c >= '0' && c <= '9')
			v |= c - '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v |= (c | 32) - 'a' + 10;
		else
			return -1;
	}
	return v;
}

static char *put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		*out++ = (char)c;
		return out;
	}
	if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*out++ = (char)(0xe0 | c >> 12);
		} else {
			*out++ = (char)(0xf0 | c >> 18);
			*out++ = (char)(0x80 | (c >> 12 & 63));
		}
		*out++ = (char)(0x80 | (c >> 6 & 63));
	}
	*out++ = (char)(0x80 | (c & 63));
	return out;
}

/* \uXXXX at in (behind the u), maybe a surrogate pair: bytes used, 0 if wrong. */
static size_t unescape_u(const char *in, size_t left, unsigned *c)
{
	int hi, lo;

	if (left < 4 || (hi = hex4(in)) <= 0) /* a NUL would end the string */
		return 0;
	*c = (unsigned)hi;
	if (hi < 0xd800 || hi > 0xdfff)
		return 4;
	if (hi > 0xdbff || left < 10 || in[4] != '\\' || in[5] != 'u' ||
	    (lo = hex4(in + 6)) < 0xdc00 || lo > 0xdfff)
		return 0;
	*c = 0x10000 + ((unsigned)(hi - 0xd800) << 10 | (unsigned)(lo - 0xdc00));
	return 10;
}

/* In place: the result is never longer.  False if an escape is wrong. */
static bool unescape(char *text, size_t len)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char *out = text, *in = text, *end = text + len;
	unsigned c;

	while (in < end) {
		if ((unsigned char)*in < 0x20)
			return false;
		if (*in != '\\') {
			*out++ = *in++;
			continue;
		}
		if (end - in < 2)
			return false;
		if (in[1] == 'u') {
			size_t used = unescape_u(in + 2, (size_t)(end - in) - 2, &c);

			if (used == 0)
				return false;
			in += 2 + used;
			out = put_utf8(out, c);
			continue;
		}
		const char *p = memchr(from, in[1], sizeof(from) - 1);
		if (p == NULL)
			return false;
		*out++ = to[p - from];
		in += 2;
	}
	*out = '\0';
	return true;
}

static bool digits(const char **p, const char *end)
{
	const char *s = *p;

	while (*p < end && **p >= '0' && **p <= '9')
		++*p;
	return *p > s;
}

static bool number(const char *p, const char *end)
{
	if (*p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else if (!digits(&p, end))
		return false;
	if (p < end && *p == '.' && (p++, !digits(&p, end)))
		return false;
	if (p < end && (*p | 32) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if (!digits(&p, end))
			return false;
	}
	return p == end;
}

static bool primitive(const char *s, size_t len)
{
	if (len == 4 && (memcmp(s, "true", 4) == 0 || memcmp(s, "null", 4) == 0))
		return true;
	return (len == 5 && memcmp(s, "false", 5) == 0) || number(s, s + len);
}

/* Is there nothing but white space between the offsets, and `mark` (0: nothing) once? */
static bool gap(const struct document *d, int from, int to, char mark)
{
	for (; from < to; from++) {
		char c = d->doc_text[from];

		if (c == mark && mark != '\0')
			mark = '\0';
		else if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			return false;
	}
	return mark == '\0';
}

static int outer_end(const jsmntok_t *t)
{
	return t->end + (t->type == JSMN_STRING);
}

/* An object or array that the walk is in. */
struct level {
	int token;
	int end;      /* of what was last in it; of its opening bracket */
	bool had_key; /* a value comes next */
	bool empty;
};

static const char *check_token(const struct document *d, const jsmntok_t *t, struct level *in)
{
	bool object = in->token >= 0 && d->doc_tok[in->token].type == JSMN_OBJECT;
	bool key = object && !in->had_key;
	char mark = object && in->had_key ? ':' : in->empty ? '\0' : ',';

	if (key && (t->type != JSMN_STRING || t->size != 1))
		return "a key must be a string, followed by one value";
	if (!key && (t->type == JSMN_STRING || t->type == JSMN_PRIMITIVE) && t->size != 0)
		return "a colon that does not follow a key";
	if (!gap(d, in->end, t->start - (t->type == JSMN_STRING), mark))
		return "a comma or colon is missing, or one too many";
	if (t->type == JSMN_PRIMITIVE &&
	    !primitive(d->doc_text + t->start, (size_t)(t->end - t->start)))
		return "not a number, true, false or null";
	in->had_key = key;
	in->empty = false;
	in->end = outer_end(t);
	return NULL;
}

/* The whole tree.  level[0] is what the root is in. */
static const char *check(const struct document *d, size_t *where)
{
	struct level level[DOCUMENT_DEPTH_MAX + 1] = {{.token = -1, .empty = true}};
	unsigned depth = 0;
	const char *why;

	for (unsigned i = 0; i <= d->doc_ntok; i++) {
		const jsmntok_t *t = &d->doc_tok[i];

		while (depth > 0 &&
		       (i == d->doc_ntok || t->start >= d->doc_tok[level[depth].token].end)) {
			*where = (size_t)level[depth].end;
			if (level[depth].had_key ||
			    !gap(d, level[depth].end, d->doc_tok[level[depth].token].end - 1, '\0'))
				return "a comma too many, or a value is missing";
			depth--;
		}
		if (i == d->doc_ntok)
			break;
		*where = (size_t)t->start;
		why = check_token(d, t, &level[depth]);
		if (why != NULL)
			return why;
		if (t->type == JSMN_OBJECT || t->type == JSMN_ARRAY) {
			if (depth == DOCUMENT_DEPTH_MAX)
				return "nested too deeply";
			level[++depth] =
			    (struct level){.token = (int)i, .end = t->start + 1, .empty = true};
		}
	}
	return NULL;
}

static const char *terminate(struct document *d, size_t *where)
{
	for (unsigned i = 0; i < d->doc_ntok; i++) {
		jsmntok_t *t = &d->doc_tok[i];

		*where = (size_t)t->start;
		if (t->type == JSMN_STRING &&
		    !unescape(d->doc_text + t->start, (size_t)(t->end - t->start)))
			return "a wrong escape or a control character in a string";
		if (t->type == JSMN_PRIMITIVE)
			d->doc_text[t->end] = '\0';
	}
	return NULL;
}

/* After terminate().  Which of two values would count is nothing to guess about. */
static const char *check_unique(const struct document *d, size_t *where)
{
	for (unsigned i = 0; i < d->doc_ntok; i++) {
		int end = d->doc_tok[i].type == JSMN_OBJECT ? d->doc_tok[i].end : 0;

		for (unsigned k = i + 1; k < d->doc_ntok && d->doc_tok[k].start < end;
		     k = after(d, k + 1)) {
			const char *key = d->doc_text + d->doc_tok[k].start;

			for (unsigned m = after(d, k + 1);
			     m < d->doc_ntok && d->doc_tok[m].start < end; m = after(d, m + 1)) {
				*where = (size_t)d->doc_tok[m].start;
				if (strcmp(key, d->doc_text + *where) == 0)
					return "this key is there twice";
			}
		}
	}
	return NULL;
}

void config_doc_free(struct document *d)
{
	if (d->doc_text != NULL)
		kmem_free(d->doc_text, d->doc_size);
	if (d->doc_tok != NULL)
		kmem_free(d->doc_tok, d->doc_toksize);
	*d = (struct document){0};
}

static int wrong(struct document *d, const char **why, const char *text)
{
	*why = text;
	config_doc_free(d);
	return EINVAL;
}

int config_doc_parse(
    struct document *d, const char *text, size_t len, const char **why, size_t *where)
{
	jsmn_parser parser;
	int n;

	*d = (struct document){0};
	*where = 0;
	*why = "too long or too many values";
	if (len > DOCUMENT_MAX)
		return E2BIG;
	jsmn_init(&parser);
	n = jsmn_parse(&parser, text, len, NULL, 0);
	*where = parser.pos;
	if (n <= 0)
		return wrong(d, why, "not valid JSON");
	if (n > DOCUMENT_TOKENS_MAX)
		return E2BIG;
	d->doc_size = len + 1;
	d->doc_toksize = (unsigned)n * sizeof(jsmntok_t);
	d->doc_text = kmem_alloc(d->doc_size);
	d->doc_tok = kmem_alloc(d->doc_toksize);
	if (d->doc_text == NULL || d->doc_tok == NULL) {
		config_doc_free(d);
		return ENOMEM;
	}
	memcpy(d->doc_text, text, len);
	d->doc_text[len] = '\0';
	jsmn_init(&parser);
	n = jsmn_parse(&parser, d->doc_text, len, d->doc_tok, (unsigned)n);
	*where = parser.pos;
	if (n <= 0 || d->doc_tok[0].type != JSMN_OBJECT)
		return wrong(d, why, "not a valid JSON object");
	d->doc_ntok = (unsigned)n;
	*why = check(d, where);
	if (*why == NULL)
		*why = terminate(d, where);
	if (*why == NULL)
		*why = check_unique(d, where);
	return *why != NULL ? wrong(d, why, *why) : 0;
}

enum node_kind config_doc_kind(const struct document *d, int node)
{
	jsmntype_t type = d->doc_tok[node].type;

	return type == JSMN_OBJECT ? NODE_OBJECT : type == JSMN_ARRAY ? NODE_ARRAY : NODE_VALUE;
}

unsigned config_doc_count(const struct document *d, int node)
{
	return config_doc_kind(d, node) == NODE_VALUE ? 0 : (unsigned)d->doc_tok[node].size;
}

int config_doc_child(const struct document *d, int node, unsigned n, const char **key)
{
	bool object = config_doc_kind(d, node) == NODE_OBJECT;
	unsigned i = (unsigned)node + 1;

	if (n >= config_doc_count(d, node))
		return -1;
	for (; n > 0; n--)
		i = after(d, object ? i + 1 : i);
	if (key != NULL)
		*key = object ? d->doc_text + d->doc_tok[i].start : NULL;
	return (int)(object ? i + 1 : i);
}

int config_doc_find(const struct document *d, int node, const char *key, size_t len)
{
	unsigned i = (unsigned)node + 1, index = 0;

	if (config_doc_kind(d, node) == NODE_ARRAY) {
		for (size_t k = 0; k < len; k++) {
			if (key[k] < '0' || key[k] > '9' || index > DOCUMENT_TOKENS_MAX)
				return -1;
			index = index * 10 + (unsigned)(key[k] - '0');
		}
		return len > 0 ? config_doc_child(d, node, index, NULL) : -1;
	}
	if (config_doc_kind(d, node) != NODE_OBJECT)
		return -1;
	for (unsigned n = config_doc_count(d, node); n > 0; n--) {
		const char *s = d->doc_text + d->doc_tok[i].start;

		if (strncmp(s, key, len) == 0 && s[len] == '\0')
			return (int)i + 1;
		i = after(d, i + 1);
	}
	return -1;
}

void config_doc_forget(struct document *d, int node)
{
	d->doc_text[d->doc_tok[node - 1].start] = '\0'; /* the key comes before its value */
}

const char *config_doc_text(const struct document *d, int node)
{
	const char *s = d->doc_text + d->doc_tok[node].start;

	if (config_doc_kind(d, node) != NODE_VALUE ||
	    (d->doc_tok[node].type == JSMN_PRIMITIVE && *s == 'n'))
		return NULL;
	return s;
}
