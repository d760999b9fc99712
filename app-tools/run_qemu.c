/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine: QEMU's command line, and what must hold before it is started,
 * so that errors come from us and in our words.
 */
#include "run.h"
#include "kiln.h"
#include "symbols.h"

#include <arpa/inet.h>
#include <cpuid.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CPUID_VMX	 (1U << 5) /* leaf 1, ecx */
#define CPUID_SVM	 (1U << 2) /* leaf 0x80000001, ecx */
#define COMMAND_LINE_MAX 3072
#define FW_CFG_NAME	 "opt/kiln/config"
#define LOAD_ADDRESS	 0x100000 /* where QEMU puts the image; platform/hw links at 0 */

/* ------------------------------------------------------------------- checks */

/*
 * Some hosts have a /dev/kvm without hardware behind it, which emulates kernel
 * code instruction by instruction: slower than QEMU, and not complete.
 */
static bool hardware_virtualization(void)
{
	unsigned a, b, c, d;

	return (__get_cpuid(1, &a, &b, &c, &d) && (c & CPUID_VMX)) ||
	       (__get_cpuid(0x80000001, &a, &b, &c, &d) && (c & CPUID_SVM));
}

/* If not, errno says why. */
static bool kvm_usable(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, error;

	if (fd == -1)
		return false;
	vm = ioctl(fd, KVM_CREATE_VM, 0);
	error = errno;
	close(fd);
	errno = error;
	if (vm == -1)
		return false;
	close(vm);
	return true;
}

/* A socket on a port, as QEMU will have it; -1 and errno if there is none to be had. */
static int take_port(struct in_addr addr, unsigned port, bool udp)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr = addr, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0), error;

	if (fd == -1)
		err(kiln_failure, "socket");
	/* For TCP this lets closed connections linger, for UDP it would share the port. */
	if (!udp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 && (udp || listen(fd, 1) == 0))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* End the command because of errno. */
static void no_port(
    const char *option, const char *value, struct in_addr addr, unsigned port, bool udp)
{
	char ip[INET_ADDRSTRLEN];

	switch (errno) {
	case EADDRINUSE:
		errx(kiln_failure, "%s%s: %s port %u on %s is in use already", option, value,
		    udp ? "UDP" : "TCP", port, inet_ntop(AF_INET, &addr, ip, sizeof(ip)));
	case EACCES:
		errx(kiln_failure, "%s%s: port %u needs privileges; choose one from 1024 up",
		    option, value, port);
	case EADDRNOTAVAIL:
		errx(kiln_failure, "%s%s: %s is no address of this machine", option, value,
		    inet_ntop(AF_INET, &addr, ip, sizeof(ip)));
	default:
		err(kiln_failure, "%s%s", option, value);
	}
}

int run_port_take(const struct run *r, size_t i)
{
	const struct port_forward *f = &r->forward[i];
	int fd = take_port(f->addr, f->host, f->udp);

	if (fd == -1)
		no_port("-p ", r->forward_text[i], f->addr, f->host, f->udp);
	return fd;
}

/* Take each port, all at once so that two options cannot share one. */
static void check_ports(const struct run *r)
{
	int *fd = xcalloc(r->nforward + 1, sizeof(*fd));
	const struct in_addr local = {htonl(INADDR_LOOPBACK)};
	char gdb_port[8];

	for (size_t i = 0; i < r->nforward; i++)
		fd[i] = run_port_take(r, i);
	fd[r->nforward] = -1;
	snprintf(gdb_port, sizeof(gdb_port), "%u", r->gdb_port);
	if (r->gdb && (fd[r->nforward] = take_port(local, r->gdb_port, false)) == -1)
		no_port("--gdb=", gdb_port, local, r->gdb_port, false);
	for (size_t i = 0; i <= r->nforward; i++)
		if (fd[i] != -1)
			close(fd[i]);
	free(fd);
}

char *run_disk_file(const char *spec, bool *readonly)
{
	size_t len = strlen(spec);

	*readonly = len > 3 && strcmp(spec + len - 3, ":ro") == 0;
	return xasprintf("%.*s", (int)(*readonly ? len - 3 : len), spec);
}

void run_disks_check(const struct run *r)
{
	for (size_t i = 0; i < r->disks.n; i++) {
		bool ro;
		char *file = run_disk_file(r->disks.v[i], &ro);
		int fd = open(file, (ro ? O_RDONLY : O_RDWR) | O_CLOEXEC);

		if (fd == -1)
			err(kiln_failure, "--disk %s", r->disks.v[i]);
		close(fd);
		free(file);
	}
}

static const char *qemu_program(void)
{
	const char *q = getenv("KILN_QEMU");

	return q ? q : RUN_QEMU;
}

void run_qemu_check(struct run *r)
{
	if (find_program(qemu_program()) == NULL && !r->dry_run)
		errx(kiln_failure, "%s is not installed: apt-get install qemu-system-x86",
		    qemu_program());
	if (strcmp(r->accel, "auto") == 0)
		r->accel = hardware_virtualization() && kvm_usable() ? "kvm" : "tcg";
	else if (strcmp(r->accel, "kvm") == 0 && !kvm_usable() && !r->dry_run)
		err(kiln_failure, "--accel kvm: /dev/kvm cannot be used (%s; accepted: auto, tcg)",
		    errno == ENOENT   ? "no virtualization in this processor, or module kvm not "
					"loaded"
		    : errno == EACCES ? "are you in the group kvm?"
				      : "its hardware does not answer");
	if (r->net == NET_FD)
		errx(kiln_failure, "--net fd=%s: only for platform hosted", r->net_detail);
	if (r->net == NET_BRIDGE)
		errx(kiln_failure, "--net bridge=%s: only for platform xen", r->net_detail);
	run_memory_check(r);
	if (r->dry_run)
		return;
	check_ports(r);
	run_disks_check(r);
	if (r->net == NET_TAP)
		close(run_tap(r->net_detail)); /* QEMU opens it anew */
}

/* ------------------------------------------------------------------ command */

static bool has(const struct run *r, const char *component)
{
	return strlist_has(&r->image.components, component);
}

static void add2(struct strlist *cmd, const char *a, const char *b)
{
	strlist_add(cmd, a);
	strlist_add(cmd, b);
}

static void add_machine(const struct run *r, struct strlist *cmd)
{
	add2(cmd, "-accel", r->accel);
	add2(cmd, "-cpu", strcmp(r->accel, "kvm") == 0 ? "host" : "max");
	strlist_add(cmd, "-machine");
	if (strcmp(r->machine, "microvm") == 0) {
		strlist_add(cmd, "microvm,acpi=on,pit=off,pic=off,rtc=on,auto-kernel-cmdline=off");
		add2(cmd, "-global", "virtio-mmio.force-legacy=false");
	} else {
		strlist_add(cmd, r->machine);
	}
	strlist_add(cmd, "-m");
	strlist_printf(cmd, "%luM", r->memory >> 20);
	strlist_add(cmd, "-smp");
	strlist_printf(cmd, "%u", r->cpus);
	for (const char *const *p = (const char *const[]){"-nodefaults", "-no-user-config", "-vga",
		 "none", "-display", "none", "-no-reboot", NULL};
	     *p != NULL; p++)
		strlist_add(cmd, *p);
}

static void add_net(const struct run *r, struct strlist *cmd)
{
	const char *device = strcmp(r->machine, "microvm") == 0
				 ? "virtio-net-device,netdev=n0"
				 : "virtio-net-pci,netdev=n0,disable-legacy=on,romfile=";
	struct sbuf net = {0};

	if (r->net == NET_NONE)
		return;
	if (r->net == NET_TAP) {
		char hash[65];

		/* Guests on one bridge need different addresses, restarts the same one. */
		sha256_hex(r->net_detail, strlen(r->net_detail), hash);
		sbuf_printf(&net, "tap,id=n0,ifname=%s,script=no,downscript=no", r->net_detail);
		add2(cmd, "-netdev", net.s);
		strlist_add(cmd, "-device");
		strlist_printf(
		    cmd, "%s,mac=52:54:00:%.2s:%.2s:%.2s", device, hash, hash + 2, hash + 4);
	} else {
		sbuf_puts(&net, "user,id=n0");
		for (size_t i = 0; i < r->nforward; i++) {
			char ip[INET_ADDRSTRLEN];

			inet_ntop(AF_INET, &r->forward[i].addr, ip, sizeof(ip));
			sbuf_printf(&net, ",hostfwd=%s:%s:%u-:%u",
			    r->forward[i].udp ? "udp" : "tcp", ip, r->forward[i].host,
			    r->forward[i].guest);
		}
		add2(cmd, "-netdev", net.s);
		add2(cmd, "-device", device);
	}
	sbuf_free(&net);
}

/* QEMU wants commas in values doubled. */
static void add_value(struct sbuf *s, const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sbuf_add(s, value[i] == ',' ? ",," : &value[i], value[i] == ',' ? 2 : 1);
}

static void add_disks(const struct run *r, struct strlist *cmd)
{
	const char *device = strcmp(r->machine, "microvm") == 0
				 ? "virtio-blk-device"
				 : "virtio-blk-pci,disable-legacy=on";

	for (size_t i = 0; i < r->disks.n; i++) {
		struct sbuf drive = {0};
		bool ro;
		char *file = run_disk_file(r->disks.v[i], &ro);

		sbuf_printf(&drive, "if=none,id=d%zu,format=raw,discard=unmap%s,file=", i,
		    ro ? ",readonly=on" : "");
		add_value(&drive, file, strlen(file));
		add2(cmd, "-drive", drive.s);
		strlist_add(cmd, "-device");
		strlist_printf(cmd, "%s,drive=d%zu", device, i);
		sbuf_free(&drive);
		free(file);
	}
}

/* Console, status and power button: descriptors, or in a dry run what a terminal has. */
static void add_channels(const struct run *r, struct strlist *cmd)
{
	strlist_add(cmd, "-chardev");
	if (r->dry_run)
		strlist_add(cmd, "stdio,id=console,signal=on");
	else
		strlist_printf(cmd, "socket,id=console,fd=%d", r->console_fd);
	add2(cmd, "-serial", "chardev:console");
	strlist_add(cmd, "-chardev");
	if (r->dry_run)
		strlist_add(cmd, "file,id=kiln-status,path=/dev/stderr");
	else
		strlist_printf(cmd, "socket,id=kiln-status,fd=%d", r->status_fd);
	add2(cmd, "-device", "isa-debugcon,iobase=0x8900,chardev=kiln-status");
	/* The end is to stop the machine, so that it can be looked at: see run_core.c. */
	if (r->core != NULL)
		add2(cmd, "-action", "shutdown=pause");
	else
		add2(cmd, "-device", "isa-debug-exit,iobase=0x501,iosize=4");
	if (!r->dry_run) {
		strlist_add(cmd, "-chardev");
		strlist_printf(cmd, "socket,id=qmp,fd=%d", r->qmp_fd);
		add2(cmd, "-mon", "chardev=qmp,mode=control");
	}
}

/*
 * The launch document is the command line.  QEMU's PVH loader keeps only 4 KB of
 * that, so a long one goes the way that docs/hw.md describes.
 */
static void add_config(const struct run *r, struct strlist *cmd)
{
	struct sbuf doc = {0}, value = {0};

	run_config(r, &doc);
	if (doc.len <= COMMAND_LINE_MAX) {
		add2(cmd, "-append", doc.s);
	} else {
		add2(cmd, "-append", "fw_cfg:" FW_CFG_NAME);
		sbuf_puts(&value, "name=" FW_CFG_NAME ",string=");
		add_value(&value, doc.s, doc.len);
		add2(cmd, "-fw_cfg", value.s);
	}
	sbuf_free(&doc);
	sbuf_free(&value);
}

void run_qemu_command(const struct run *r, struct strlist *cmd)
{
	strlist_add(cmd, qemu_program());
	add_machine(r, cmd);
	add_channels(r, cmd);
	add_net(r, cmd);
	add_disks(r, cmd);
	if (has(r, "dev/virtio_rng"))
		add2(cmd, "-device",
		    strcmp(r->machine, "microvm") == 0 ? "virtio-rng-device"
						       : "virtio-rng-pci,disable-legacy=on");
	if (r->gdb) {
		strlist_add(cmd, "-S");
		strlist_add(cmd, "-gdb");
		strlist_printf(cmd, "tcp:127.0.0.1:%u", r->gdb_port);
	}
	if (r->gdb_fd != -1 && !r->dry_run) {
		strlist_add(cmd, "-chardev");
		strlist_printf(cmd, "socket,id=gdb,fd=%d", r->gdb_fd);
		add2(cmd, "-gdb", "chardev:gdb");
	}
	for (size_t i = 0; i < r->qemu_args.n; i++)
		strlist_add(cmd, r->qemu_args.v[i]);
	add2(cmd, "-kernel", r->image.path);
	add_config(r, cmd);
}

/* ---------------------------------------------------------------------- gdb */

/*
 * The image runs at an address that is chosen anew at each boot.  hw_early()
 * runs where QEMU loaded the image and returns the distance to the final place:
 * stop there, take the value, and load the symbols once more at that place.
 */
static const char gdb_script[] =
    "# Written by kiln run --gdb: find the image's random address, then stop at main.\n"
    "set pagination off\n"
    "set confirm off\n"
    "set architecture i386:x86-64\n"
    "target remote 127.0.0.1:%u\n"
    "hbreak *0x%lx\n"
    "continue\n"
    "delete\n"
    "set $return = *(unsigned long *)$rsp\n"
    "eval \"hbreak *0x%%lx\", $return\n"
    "continue\n"
    "delete\n"
    "set $kiln_base = $rax + 0x%x\n"
    "eval \"add-symbol-file %s -o 0x%%lx\", $kiln_base\n"
    "set confirm on\n"
    "source %s/gdb/kiln.py\n"
    "hbreak main\n"
    "continue\n";

void run_qemu_gdb(const struct run *r)
{
	const char *script = NULL, *why;
	struct symbols *s = symbols_open(r->image.path, &why);
	struct sbuf text = {0}, cmd = {0};
	char *debug, *full;
	uint64_t early;

	if (s == NULL)
		errx(kiln_failure, "--gdb: no symbols in %s.debug: %s", r->image.path, why);
	debug = realpath(symbols_path(s), NULL);
	full = debug ? debug : xstrdup(symbols_path(s));
	if (symbols_value(s, "hw_early", &early)) {
		scratch_open("/tmp/");
		script = scratch_path("gdb");
		sbuf_printf(&text, gdb_script, r->gdb_port, LOAD_ADDRESS + early, LOAD_ADDRESS,
		    full, lib_dir());
		write_file(script, text.s, text.len);
	}
	sbuf_puts(&cmd, "gdb ");
	if (script != NULL) {
		sbuf_puts(&cmd, "-x ");
		sbuf_shell(&cmd, script);
	} else {
		sbuf_printf(&cmd, "-ex 'target remote 127.0.0.1:%u' ", r->gdb_port);
		sbuf_shell(&cmd, full);
	}
	fprintf(
	    stderr, "kiln run: the machine waits for gdb; in another terminal:\n    %s\n", cmd.s);
	if (script != NULL)
		fprintf(stderr,
		    "(the script finds the image's random base, $kiln_base, and stops at main)\n");
	sbuf_free(&text);
	sbuf_free(&cmd);
	free(full);
}
