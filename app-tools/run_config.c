/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The launch document, one line of JSON; docs/configuration.md says what every
 * key means.  Only what the command line asks for is in it.
 */
#include "run.h"
#include "kiln.h"
#include "start.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* QEMU's user network gives its only guest these. */
#define USER_ADDRESS "10.0.2.15/24"
#define USER_GATEWAY "10.0.2.2"
#define USER_DNS     "10.0.2.3"

#define DOCUMENT_MAX 65536 /* what the kernel takes */

static void key(struct sbuf *doc, const char *name)
{
	sbuf_printf(doc, "%s\"%s\":", doc->s[doc->len - 1] == '{' ? "" : ",", name);
}

static void interface(const struct run *r, struct sbuf *doc)
{
	const char *address = r->ip, *gateway = r->gateway;
	struct strlist user_dns = {0};
	const struct strlist *dns = &r->dns;

	if (r->net == NET_USER && !r->dhcp && address == NULL) {
		/* What its DHCP server would say, without the time to ask. */
		address = USER_ADDRESS;
		gateway = gateway ? gateway : USER_GATEWAY;
		if (dns->n == 0) {
			strlist_add(&user_dns, USER_DNS);
			dns = &user_dns;
		}
	}
	sbuf_printf(doc, "{\"mode\":\"%s\"", address ? "static" : "dhcp");
	if (address != NULL) {
		key(doc, "address");
		sbuf_json(doc, address);
	}
	if (gateway != NULL) {
		key(doc, "gateway");
		sbuf_json(doc, gateway);
	}
	if (dns->n > 0) {
		key(doc, "dns");
		strlist_json(dns, ",", doc);
	}
	sbuf_puts(doc, "}");
}

static void hosted(const struct run *r, struct sbuf *doc)
{
	sbuf_printf(doc, "{\"memory\":%lu,\"cpus\":%u", r->memory, r->cpus);
	if (r->status_fd != -1)
		sbuf_printf(doc, ",\"statusfd\":%d", r->status_fd);
	if (r->net_fd != -1)
		sbuf_printf(doc, ",\"netfd\":%d", r->net_fd);
	if (r->core != NULL && !r->dry_run)
		sbuf_puts(doc, ",\"core\":true");
	sbuf_puts(doc, "}");
}

static void seed(struct sbuf *doc)
{
	unsigned char bytes[32];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		err(kiln_failure, "getrandom");
	sbuf_puts(doc, "\"");
	for (size_t i = 0; i < sizeof(bytes); i++)
		sbuf_printf(doc, "%02x", bytes[i]);
	sbuf_puts(doc, "\"");
}

void run_config(const struct run *r, struct sbuf *doc)
{
	sbuf_puts(doc, "{");
	if (r->have_args) {
		key(doc, "args");
		strlist_json(&r->args, ",", doc);
	}
	if (r->env.n > 0) {
		key(doc, "env");
		strlist_json_env(&r->env, doc);
	}
	if (r->start != NULL) {
		struct sbuf programs = {0};

		start_json("--start", r->start, &programs);
		key(doc, "programs");
		sbuf_puts(doc, programs.s);
		sbuf_free(&programs);
	}
	if (r->hostname != NULL) {
		key(doc, "hostname");
		sbuf_json(doc, r->hostname);
	}
	if (r->pipe_input) {
		key(doc, "console");
		sbuf_puts(doc, "{\"input\":\"pipe\"}");
	}
	if (r->net != NET_NONE) {
		key(doc, "net");
		sbuf_puts(doc, "{\"if\":[");
		interface(r, doc);
		sbuf_puts(doc, "]}");
	}
	if (r->strace != NULL) {
		key(doc, "strace");
		sbuf_json(doc, r->strace);
	}
	if (r->stats != NULL) {
		key(doc, "stats");
		sbuf_json(doc, r->stats);
	}
	if (!r->dry_run && strlist_has(&r->image.components, "kern/random")) {
		key(doc, "seed");
		seed(doc);
	}
	if (strcmp(r->platform, "hosted") == 0) {
		key(doc, "hosted");
		hosted(r, doc);
	}
	sbuf_puts(doc, "}");
	if (doc->len > DOCUMENT_MAX)
		errx(kiln_failure, "arguments and environment are too long: %zu bytes of %d",
		    doc->len, DOCUMENT_MAX);
}
