/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The "hosted" object of the launch configuration.  kern parses and validates
 * the whole document later; here a scanner walks over it once, without
 * tokens or memory, and takes the numbers it needs.  A document that is not
 * JSON is left for kern to complain about; a wrong value of ours is fatal.
 */
#include "hosted.h"

#define MEMORY_MIN (1UL << 20)
#define MEMORY_MAX (1UL << 38)
#define FD_MAX	   1048575
#define NEST_MAX   64

struct hosted_config hosted_config = {
    .memory = 64UL << 20, .ncpu = 1, .netfd = -1, .statusfd = -1, .mtu = 1500};

static const char *skip_space(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
		p++;
	return p;
}

/* p at the opening quote: past the closing one, NULL if there is none. */
static const char *skip_string(const char *p)
{
	for (p++; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if (*p == '\0')
			return NULL;
	}
	return p + 1;
}

/* Past any value: NULL if it does not end.  Brackets are only counted. */
static const char *skip_value(const char *p)
{
	unsigned depth = 0;

	do {
		p = skip_space(p);
		if (*p == '"') {
			if ((p = skip_string(p)) == NULL)
				return NULL;
		} else if (*p == '{' || *p == '[') {
			if (++depth > NEST_MAX)
				return NULL;
			p++;
		} else if (*p == '}' || *p == ']') {
			if (depth-- == 0)
				return NULL;
			p++;
		} else if (*p == ',' || *p == ':') {
			if (depth == 0)
				return NULL;
			p++;
		} else if (*p == '\0') {
			return NULL;
		} else {
			while (*p != '\0' && *p != ',' && *p != '}' && *p != ']' && *p != ' ' &&
			       *p != '\t' && *p != '\n' && *p != '\r')
				p++;
		}
	} while (depth > 0);
	return p;
}

/*
 * Step through an object: *pp at '{' or behind a value.  true: *keyp is at
 * the key's opening quote and *pp at the value.
 */
static bool next_member(const char **pp, const char **keyp)
{
	const char *p = skip_space(*pp);

	if (*p != '{' && *p != ',')
		return false;
	p = skip_space(p + 1);
	if (*p != '"')
		return false;
	*keyp = p;
	if ((p = skip_string(p)) == NULL)
		return false;
	p = skip_space(p);
	if (*p != ':')
		return false;
	*pp = skip_space(p + 1);
	return true;
}

static bool key_is(const char *key, const char *name)
{
	size_t n = hosted_strlen(name);

	for (size_t i = 0; i < n; i++) {
		if (key[1 + i] != name[i])
			return false;
	}
	return key[1 + n] == '"';
}

static uint64_t parse_uint(const char *p, uint64_t min, uint64_t max, const char *complaint)
{
	uint64_t v = 0;
	bool digits = false;

	for (; *p >= '0' && *p <= '9'; p++, digits = true) {
		if (v > max / 10)
			hosted_die(complaint, 0);
		v = v * 10 + (unsigned)(*p - '0');
	}
	p = skip_space(p);
	if (!digits || (*p != ',' && *p != '}') || v < min || v > max)
		hosted_die(complaint, 0);
	return v;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void parse_mac(const char *p)
{
	bool ok = *p++ == '"';

	for (int i = 0; ok && i < 6; i++) {
		int hi = hex(p[0]);
		int lo = hi < 0 ? -1 : hex(p[1]);

		ok = hi >= 0 && lo >= 0 && p[2] == (i < 5 ? ':' : '"');
		if (ok)
			hosted_config.mac[i] = (uint8_t)(hi << 4 | lo);
		p += ok ? 3 : 0;
	}
	if (!ok || (hosted_config.mac[0] & 1) != 0)
		hosted_die(
		    "hosted.mac is not a unicast Ethernet address like \"02:00:00:00:00:01\"", 0);
	hosted_config.have_mac = true;
}

static void parse_member(const char *key, const char *value)
{
	struct hosted_config *hc = &hosted_config;

	if (key_is(key, "memory"))
		hc->memory = parse_uint(value, MEMORY_MIN, MEMORY_MAX,
				 "hosted.memory is not a number of bytes from 1048576 to 2^38") &
			     ~(RUMPUSER_PAGE_SIZE - 1);
	else if (key_is(key, "cpus"))
		hc->ncpu = parse_uint(
		    value, 1, RUMPUSER_MAXCPUS, "hosted.cpus is not a number from 1 to 32");
	else if (key_is(key, "netfd"))
		hc->netfd = (int)parse_uint(
		    value, 0, FD_MAX, "hosted.netfd is not the number of a descriptor");
	else if (key_is(key, "statusfd"))
		hc->statusfd = (int)parse_uint(
		    value, 0, FD_MAX, "hosted.statusfd is not the number of a descriptor");
	else if (key_is(key, "mtu"))
		hc->mtu =
		    parse_uint(value, 576, 65521, "hosted.mtu is not a number from 576 to 65521");
	else if (key_is(key, "mac"))
		parse_mac(value);
	else if (key_is(key, "exec") && (*value == 't' || *value == 'f'))
		hc->exec = *value == 't';
	else if (key_is(key, "core") && (*value == 't' || *value == 'f'))
		hc->core = *value == 't';
	else
		hosted_die(
		    "the configuration's hosted object has a key that is none of memory, cpus, "
		    "netfd, statusfd, mtu, mac, exec, core (true or false)",
		    0);
}

static void parse(const char *json, bool status_only)
{
	const char *p = json, *key, *q, *inner;

	while (p != NULL && next_member(&p, &key)) {
		for (q = key_is(key, "hosted") ? p : NULL; q != NULL && next_member(&q, &inner);
		     q = skip_value(q)) {
			if (!status_only || key_is(inner, "statusfd"))
				parse_member(inner, q);
		}
		p = skip_value(p);
	}
}

void hosted_config_parse(const char *json)
{
	const char *p = skip_space(json);

	if (*p != '{' && *p != '\0')
		hosted_die("the argument is not the launch document, which starts with {: "
			   "start the image by kiln run",
		    0);
	/* First of all where to report what is wrong with the rest. */
	parse(json, true);
	parse(json, false);
}
