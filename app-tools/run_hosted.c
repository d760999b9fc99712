/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image as a process: it is a static PIE that takes the launch document as
 * its only argument, and finds there the descriptors of status and network.
 */
#include "run.h"
#include "kiln.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int run_tap(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd == -1)
		err(kiln_failure, "--net tap=%s: /dev/net/tun", name);
	memcpy(ifr.ifr_name, name, strlen(name)); /* spec_net() has checked the length */
	if (ioctl(fd, TUNSETIFF, &ifr) == -1) {
		if (errno == EBUSY)
			errx(kiln_failure, "--net tap=%s: in use by another process", name);
		if (errno == EPERM)
			errx(kiln_failure,
			    "--net tap=%s: belongs to another user; make it for you: "
			    "ip tuntap add %s mode tap user $USER",
			    name, name);
		if (errno == EINVAL)
			errx(kiln_failure, "--net tap=%s: not a TAP device with one queue", name);
		err(kiln_failure, "--net tap=%s", name);
	}
	/* A QEMU before us may have left it so that packets come without checksums, or oversized.
	 */
	if (ioctl(fd, TUNSETOFFLOAD, 0) == -1)
		err(kiln_failure, "--net tap=%s: offloads", name);
	return fd;
}

void run_hosted_check(struct run *r)
{
	unsigned fd;

	if (r->net == NET_BRIDGE)
		errx(kiln_failure, "--net bridge=%s: only for platform xen", r->net_detail);
	if (r->net == NET_USER || r->nforward > 0)
		errx(kiln_failure,
		    "%s: the user network belongs to QEMU; platform hosted has "
		    "--net tap=INTERFACE or none",
		    r->nforward > 0 ? "-p" : "--net user");
	if (r->gdb)
		errx(kiln_failure,
		    "--gdb: on platform hosted the image is a process: "
		    "run it under gdb, gdb --args %s",
		    r->image.path);
	if (r->qemu_args.n > 0)
		errx(kiln_failure, "--qemu-arg: platform hosted runs no QEMU");
	if (r->net == NET_TAP && !r->dry_run) {
		r->net_fd = run_tap(r->net_detail);
	} else if (r->net == NET_FD) {
		spec_number(r->net_detail, 3, 65535, &fd);
		if (fcntl((int)fd, F_GETFD) == -1)
			err(kiln_failure, "--net fd=%u", fd);
		r->net_fd = (int)fd;
	}
	if (access(r->image.path, X_OK) == -1)
		err(kiln_failure, "%s", r->image.path);
}

void run_hosted_command(const struct run *r, struct strlist *cmd)
{
	struct sbuf doc = {0};

	/* execve(2) wants a path, not a name to be searched for. */
	strlist_printf(cmd, "%s%s", strchr(r->image.path, '/') ? "" : "./", r->image.path);
	run_config(r, &doc);
	strlist_add(cmd, doc.s);
	sbuf_free(&doc);
}
