/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen: what must hold before a domain is made, and xl's description of it (xl.cfg(5)).
 *
 * NETWORK.  `bridge=B' joins the guest to a bridge of the host's; Xen's own script does it.
 * `user' is a link between the guest and domain 0 alone, 4 addresses of 198.18.0.0/16, which
 * nobody else uses (RFC 2544): the keeper (run_domain.c) sets it up, so that xl's script
 * is one that does nothing.  Ports are forwarded by us (forward.c): no rule of the host's
 * firewall is touched.
 *
 * CONFIGURATION.  "[status:TOKEN ]DOCUMENT", or "[status:TOKEN ]xenstore:N" if that would be too
 * long: then the document is in N parts in the store, data/kiln/0 and on.  By the token the keeper
 * knows the guest's last word (docs/xen.md).
 */
#include "run.h"
#include "kiln.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINK_FIRST   0xc6120000U /* 198.18.0.0 */
#define LINK_COUNT   16384U
#define CMDLINE_MAX  1000 /* Xen takes 1023 bytes */
#define NO_SCRIPT    "/bin/true"
#define DISK_LETTERS 26
#define SMALL	     (UINT64_C(64) << 20) /* too small for the page tables that xl has in mind */

bool run_on_xen(const struct run *r)
{
	return strncmp(r->platform, "xen", 3) == 0;
}

/* ------------------------------------------------------------------- checks */

/* Random bytes, but without the wait for good ones: names, no secrets. */
static void name_bytes(void *buf, size_t len)
{
	if (getrandom(buf, len, GRND_INSECURE) != (ssize_t)len)
		err(kiln_failure, "getrandom");
}

/* Where the kernel says what kind of domain it is in; tests have one of their own. */
static const char *dom0_file(void)
{
	const char *s = getenv("KILN_XEN_CAPABILITIES");

	return s ? s : "/proc/xen/capabilities";
}

static bool store_answers(void)
{
	static const char *const paths[] = {
	    "/run/xenstored/socket", "/var/run/xenstored/socket", NULL};
	const char *own[2] = {getenv("KILN_XENSTORED"), NULL};
	bool up = false;

	for (const char *const *p = own[0] ? own : paths; *p != NULL && !up; p++) {
		struct sockaddr_un sun = {.sun_family = AF_UNIX};
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", *p);
		/* EAGAIN: it is there, but busy. */
		up = fd != -1 &&
		     (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 || errno == EAGAIN);
		if (!up && errno == EACCES)
			errx(kiln_failure, "%s: only root may use Xen", *p);
		if (fd != -1)
			close(fd);
	}
	return up;
}

/* xl itself would say little, or wait for ever. */
static void check_host(void)
{
	struct sbuf s = {0};
	char *xl = find_program("xl");

	if (!read_file(dom0_file(), &s)) {
		if (access("/sys/hypervisor/type", F_OK) == -1)
			errx(kiln_failure,
			    "this machine does not run on Xen: apt-get install xen-system-amd64 "
			    "and boot that%s",
			    xl == NULL ? " (there is no xl, either)" : "");
		errx(kiln_failure, "%s: %s: mount -t xenfs none /proc/xen", dom0_file(),
		    strerror(errno));
	}
	if (s.s == NULL || strstr(s.s, "control_d") == NULL)
		errx(kiln_failure,
		    "this is a guest of Xen, but only the control domain (dom0) can make others");
	sbuf_free(&s);
	if (xl == NULL)
		errx(kiln_failure, "xl is not installed: apt-get install xen-utils");
	free(xl);
	if (find_program("xenstore-read") == NULL)
		errx(
		    kiln_failure, "xenstore-read is not installed: apt-get install xenstore-utils");
	if (!store_answers())
		errx(kiln_failure,
		    "xenstored does not run: systemctl start xen (Debian), or xencommons");
}

/* Is an address of the link from `first' on anybody's? */
static bool link_taken(const struct ifaddrs *list, uint32_t first)
{
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		uint32_t address, mask;

		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET ||
		    i->ifa_netmask == NULL)
			continue;
		address = ntohl(((struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr);
		mask = ntohl(((struct sockaddr_in *)i->ifa_netmask)->sin_addr.s_addr);
		if (((first ^ address) & mask & ~UINT32_C(3)) == 0)
			return true;
	}
	return false;
}

/*
 * Kilns that start at the same time see no addresses of each other's yet.  So a link is taken by a
 * name of a socket, which is ours as long as we or our keeper live, and known as far as the
 * interfaces are. Returns a descriptor that stays open, or -1.
 */
static int link_reserve(uint32_t first)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX}; /* sun_path[0] is 0: a name, no file */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(sun.sun_path + 1, sizeof(sun.sun_path) - 1, "kiln link %08x", first);

	if (fd == -1)
		err(kiln_failure, "socket");
	if (bind(fd, (struct sockaddr *)&sun,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0)
		return fd;
	close(fd);
	return -1;
}

static char *address_text(uint32_t address, const char *suffix)
{
	char ip[INET_ADDRSTRLEN];
	struct in_addr a = {htonl(address)};

	return xasprintf("%s%s", inet_ntop(AF_INET, &a, ip, sizeof(ip)), suffix);
}

static void choose_link(struct run *r)
{
	struct ifaddrs *list = NULL;
	uint16_t at;
	uint32_t first = 0, n;
	bool taken;
	int fd;

	name_bytes(&at, sizeof(at));
	for (n = 0; n < LINK_COUNT; n++) {
		first = LINK_FIRST + (at + n) % LINK_COUNT * 4;
		fd = link_reserve(first);
		if (fd == -1)
			continue;
		/* Only now: whoever had it may have just given it up to an interface. */
		if (getifaddrs(&list) == -1)
			err(kiln_failure, "getifaddrs");
		taken = link_taken(list, first);
		freeifaddrs(list);
		if (!taken)
			break;
		close(fd);
	}
	if (n == LINK_COUNT)
		errx(kiln_failure, "--net user: all of 198.18.0.0/16 is in use");
	r->xen.host = address_text(first + 1, "/30");
	r->ip = address_text(first + 2, "/30");
	r->gateway = r->gateway ? r->gateway : address_text(first + 1, "");
	r->xen.link = true;
}

static void check_net(struct run *r)
{
	if (r->net == NET_TAP || r->net == NET_FD)
		errx(kiln_failure,
		    "--net tap=%s: Xen's guests have no TAP devices; accepted: user, "
		    "bridge=BRIDGE, none",
		    r->net_detail);
	if (r->net == NET_USER) {
		if (r->ip != NULL || r->dhcp)
			errx(kiln_failure,
			    "%s: on Xen the user network is a link whose addresses kiln chooses; "
			    "use --net bridge=BRIDGE",
			    r->dhcp ? "--dhcp" : "--ip");
		choose_link(r);
	}
	if (r->nforward > 0 && r->ip == NULL)
		errx(kiln_failure,
		    "-p %s: on a bridge the guest needs an address that is known: --ip ADDR/LEN",
		    r->forward_text[0]);
	if (r->net == NET_BRIDGE && !r->dry_run && if_nametoindex(r->net_detail) == 0)
		errx(kiln_failure,
		    "--net bridge=%s: no such bridge; create it: ip link add %s type bridge && "
		    "ip link set %s up",
		    r->net_detail, r->net_detail, r->net_detail);
}

void run_xen_check(struct run *r)
{
	unsigned char b[16];

	if (r->gdb || r->qemu_args.n > 0)
		errx(kiln_failure, "%s: Xen runs no QEMU for such guests",
		    r->gdb ? "--gdb" : "--qemu-arg");
	run_memory_check(r);
	if (r->disks.n > DISK_LETTERS)
		errx(kiln_failure, "--disk: %d at most", DISK_LETTERS);
	if (!r->dry_run)
		check_host();
	check_net(r);
	name_bytes(b, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40; /* version 4 (RFC 9562) */
	b[8] = (b[8] & 0x3f) | 0x80;
	r->xen.uuid =
	    xasprintf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
		b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
		b[14], b[15]);
	r->xen.mac = xasprintf("00:16:3e:%02x:%02x:%02x", b[0] & 0x7f, b[1], b[2]);
	if (r->dry_run) {
		r->xen.name = xstrdup(r->image.program);
		return;
	}
	name_bytes(b, 8);
	r->xen.token = xasprintf(
	    "%02x%02x%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]);
	r->xen.name = xasprintf("%s-%d", r->image.program, (int)getpid());
	run_disks_check(r);
	r->xen.listen = xcalloc(r->nforward + 1, sizeof(int));
	for (size_t i = 0; i < r->nforward; i++)
		r->xen.listen[i] = run_port_take(r, i);
}

/* ------------------------------------------------------------ configuration */

/* A string of xl's: quotes and backslashes within need a backslash. */
static void add_string(struct sbuf *s, const char *text)
{
	sbuf_puts(s, "'");
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			sbuf_puts(s, "\\");
		sbuf_add(s, text, 1);
	}
	sbuf_puts(s, "'");
}

static void add_line(struct sbuf *s, const char *key, const char *value)
{
	sbuf_puts(s, key);
	sbuf_puts(s, "=");
	add_string(s, value);
	sbuf_puts(s, "\n");
}

static char *full_path(const char *path)
{
	char *full = realpath(path, NULL);

	if (full == NULL)
		err(kiln_failure, "%s", path);
	return full;
}

static void add_devices(const struct run *r, struct sbuf *s)
{
	struct sbuf one = {0};

	if (r->net == NET_BRIDGE || r->net == NET_USER) {
		sbuf_printf(&one, "mac=%s,%s%s", r->xen.mac,
		    r->xen.link ? "script=" : "bridge=", r->xen.link ? NO_SCRIPT : r->net_detail);
		sbuf_puts(s, "vif=[");
		add_string(s, one.s);
		sbuf_puts(s, "]\n");
		sbuf_free(&one);
	}
	for (size_t i = 0; i < r->disks.n; i++) {
		bool ro;
		char *file = run_disk_file(r->disks.v[i], &ro), *full = full_path(file);

		sbuf_puts(s, i == 0 ? "disk=[" : ", ");
		sbuf_printf(&one, "format=raw,vdev=xvd%c,access=%s,target=%s", (char)('a' + i),
		    ro ? "ro" : "rw", full);
		add_string(s, one.s);
		sbuf_free(&one);
		free(full);
		free(file);
	}
	if (r->disks.n > 0)
		sbuf_puts(s, "]\n");
}

void run_xen_config(const struct run *r, struct sbuf *s, struct sbuf *stored)
{
	struct sbuf doc = {0}, line = {0};
	char *image = full_path(r->image.path);

	run_config(r, &doc);
	if (r->xen.token != NULL)
		sbuf_printf(&line, "status:%s ", r->xen.token);
	if (line.len + doc.len <= CMDLINE_MAX) {
		sbuf_puts(&line, doc.s);
	} else {
		sbuf_printf(&line, "xenstore:%zu", (doc.len + RUN_XEN_PART - 1) / RUN_XEN_PART);
		sbuf_puts(stored, doc.s);
	}
	add_line(s, "name", r->xen.name);
	add_line(s, "uuid", r->xen.uuid);
	add_line(s, "type", strcmp(r->platform, "xen-pv") == 0 ? "pv" : "pvh");
	add_line(s, "kernel", image);
	add_line(s, "cmdline", line.s);
	sbuf_printf(
	    s, "memory=%lu\nmaxmem=%lu\nvcpus=%u\n", r->memory >> 20, r->memory >> 20, r->cpus);
	if (r->memory < SMALL)
		sbuf_puts(s, "shadow_memory=1\n");
	add_devices(r, s);
	sbuf_free(&doc);
	sbuf_free(&line);
	free(image);
}

void run_xen_print(const struct run *r, FILE *to)
{
	struct sbuf s = {0}, stored = {0};

	run_xen_config(r, &s, &stored);
	fprintf(to, "# a configuration for xl; kiln run -v would say: xl create -e -p FILE\n");
	if (r->xen.link)
		fprintf(to,
		    "# kiln run gives domain 0's end of the link, vifN.0, the address %s; "
		    "the guest gets no further unless domain 0 translates addresses\n",
		    r->xen.host);
	if (stored.len > 0)
		fprintf(to, "# kiln run writes to the store, in parts, data/kiln/0 and on:\n# %s\n",
		    stored.s);
	fputs(s.s, to);
	sbuf_free(&s);
	sbuf_free(&stored);
}
