/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spec.h - values of options.  Every parser returns NULL if the value is good,
 * else a phrase that says what would be accepted, for the message
 * "-m 12Q: not good; accepted is <phrase>".  Nothing is stored then.
 */
#ifndef KILN_SPEC_H
#define KILN_SPEC_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* 32M, 1G, 4096K; a bare number counts MiB as with QEMU.  Bytes in *bytes. */
const char *spec_size(const char *s, uint64_t *bytes);

/* A decimal number in [min, max]; max < 10^9. */
const char *spec_number(const char *s, unsigned min, unsigned max, unsigned *value);

/* [IP:]HOST:GUEST[/tcp|/udp] */
struct port_forward {
	struct in_addr addr; /* of the host; 127.0.0.1 if not given */
	uint16_t host, guest;
	bool udp;
};
const char *spec_forward(const char *s, struct port_forward *pf);

/* A.B.C.D/LEN and A.B.C.D; checked only, they travel as text. */
const char *spec_prefix(const char *s);
const char *spec_address(const char *s);
/* The address in a good prefix. */
struct in_addr spec_prefix_address(const char *s);

/* NAME=VALUE of an environment variable; the name is not empty. */
const char *spec_env(const char *s);

enum net_mode {
	NET_AUTO,
	NET_NONE,
	NET_USER,
	NET_TAP,    /* detail: interface */
	NET_BRIDGE, /* detail: bridge of a Xen host */
	NET_FD,	    /* detail: number of an open datagram descriptor */
};
const char *spec_net(const char *s, enum net_mode *mode, const char **detail);

/* A host name as RFC 1123 wants it, at most 64 bytes. */
const char *spec_hostname(const char *s);

/* End the command: "OPTION VALUE: accepted is WHAT". */
void spec_fail(const char *option, const char *value, const char *accepted)
    __attribute__((noreturn));

#endif
