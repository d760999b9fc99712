/* SPDX-License-Identifier: BSD-2-Clause */
#include "spec.h"
#include "kiln.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits at *s, at most 9 of them, into *value; *s moves behind them. */
static bool digits(const char **s, unsigned *value)
{
	const char *p = *s;
	unsigned v = 0;

	while (isdigit((unsigned char)*p) && p - *s < 9)
		v = 10 * v + (unsigned)(*p++ - '0');
	if (p == *s || isdigit((unsigned char)*p))
		return false;
	*s = p;
	*value = v;
	return true;
}

const char *spec_size(const char *s, uint64_t *bytes)
{
	static const char accepted[] = "a number with K, M or G, such as 32M, up to 1024G";
	unsigned n, shift = 20;
	uint64_t v;

	if (!digits(&s, &n))
		return accepted;
	switch (toupper((unsigned char)*s)) {
	case 'K':
		shift = 10;
		s++;
		break;
	case 'M':
		s++;
		break;
	case 'G':
		shift = 30;
		s++;
		break;
	}
	v = (uint64_t)n << shift;
	if (*s != '\0' || v == 0 || v > UINT64_C(1) << 40)
		return accepted;
	*bytes = v;
	return NULL;
}

const char *spec_number(const char *s, unsigned min, unsigned max, unsigned *value)
{
	static char accepted[64];
	unsigned v;

	if (digits(&s, &v) && *s == '\0' && v >= min && v <= max) {
		*value = v;
		return NULL;
	}
	snprintf(accepted, sizeof(accepted), "a number from %u to %u", min, max);
	return accepted;
}

const char *spec_forward(const char *s, struct port_forward *pf)
{
	static const char accepted[] = "[IP:]HOSTPORT:GUESTPORT[/tcp|/udp], such as 8080:80 or "
				       "0.0.0.0:5353:53/udp";
	struct port_forward f = {.addr.s_addr = htonl(INADDR_LOOPBACK)};
	char ip[INET_ADDRSTRLEN];
	unsigned host, guest;
	const char *colon = strchr(s, ':');

	if (colon != NULL && strchr(colon + 1, ':') != NULL) {
		if ((size_t)(colon - s) >= sizeof(ip))
			return accepted;
		memcpy(ip, s, (size_t)(colon - s));
		ip[colon - s] = '\0';
		if (inet_pton(AF_INET, ip, &f.addr) != 1)
			return accepted;
		s = colon + 1;
	}
	if (!digits(&s, &host) || *s++ != ':' || !digits(&s, &guest))
		return accepted;
	if (strcmp(s, "/udp") == 0)
		f.udp = true;
	else if (*s != '\0' && strcmp(s, "/tcp") != 0)
		return accepted;
	if (host == 0 || host > 65535 || guest == 0 || guest > 65535)
		return accepted;
	f.host = (uint16_t)host;
	f.guest = (uint16_t)guest;
	*pf = f;
	return NULL;
}

const char *spec_address(const char *s)
{
	struct in_addr a;

	return inet_pton(AF_INET, s, &a) == 1 ? NULL : "an IPv4 address such as 192.0.2.1";
}

const char *spec_prefix(const char *s)
{
	static const char accepted[] = "an IPv4 address with prefix length, such as 192.0.2.2/24";
	const char *slash = strchr(s, '/');
	char ip[INET_ADDRSTRLEN];
	unsigned len;

	if (slash == NULL || (size_t)(slash - s) >= sizeof(ip))
		return accepted;
	memcpy(ip, s, (size_t)(slash - s));
	ip[slash - s] = '\0';
	if (spec_address(ip) != NULL || spec_number(slash + 1, 0, 32, &len) != NULL)
		return accepted;
	return NULL;
}

struct in_addr spec_prefix_address(const char *s)
{
	struct in_addr a = {0};
	char ip[INET_ADDRSTRLEN];

	snprintf(ip, sizeof(ip), "%.*s", (int)strcspn(s, "/"), s);
	inet_pton(AF_INET, ip, &a);
	return a;
}

const char *spec_env(const char *s)
{
	const char *eq = strchr(s, '=');

	return eq != NULL && eq != s ? NULL : "NAME=VALUE";
}

const char *spec_net(const char *s, enum net_mode *mode, const char **detail)
{
	static const char accepted[] = "user, tap=INTERFACE, bridge=BRIDGE or none";

	*detail = NULL;
	if (strcmp(s, "user") == 0) {
		*mode = NET_USER;
	} else if (strcmp(s, "none") == 0) {
		*mode = NET_NONE;
	} else if (strncmp(s, "tap=", 4) == 0 || strncmp(s, "bridge=", 7) == 0) {
		const char *name = strchr(s, '=') + 1;

		if (*name == '\0' || strlen(name) >= IFNAMSIZ || strpbrk(name, ",/ ") != NULL)
			return accepted;
		*mode = *s == 't' ? NET_TAP : NET_BRIDGE;
		*detail = name;
	} else if (strncmp(s, "fd=", 3) == 0) {
		unsigned fd;

		if (spec_number(s + 3, 3, 65535, &fd) != NULL)
			return accepted;
		*mode = NET_FD;
		*detail = s + 3;
	} else {
		return accepted;
	}
	return NULL;
}

const char *spec_hostname(const char *s)
{
	static const char accepted[] = "letters, digits, hyphens and dots, 64 at most";
	size_t len = strlen(s);

	if (len == 0 || len > 64 || s[0] == '-' || s[0] == '.')
		return accepted;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '.')
			return accepted;
	return NULL;
}

void spec_fail(const char *option, const char *value, const char *accepted)
{
	errx(kiln_failure, "%s %s: not a good value; accepted: %s", option, value, accepted);
}
