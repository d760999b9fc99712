/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the process's entry to kern's.  The order matters: everything that the
 * confinement forbids later (threads, timers, descriptors) comes before
 * hosted_seccomp(), and nothing of the program's before rumpkern_main().
 */
#include <asm/hwcap2.h>
#include <linux/auxvec.h>
#include <linux/prctl.h>

#include "hosted.h"
#include "syscall.h"

#define FIRST_FD  3
#define CLOSE_MAX 1024 /* descriptors closed one by one on hosts without close_range() */

bool hosted_fsgsbase;
int hosted_pid;

extern const char __ehdr_start[], __kiln_image_end[];
extern const char __kiln_rootfs_start[], __kiln_rootfs_end[];

static struct rumpuser_bootinfo info;
static struct rumpuser_memregion region;

/* Close every descriptor from lo to hi. */
static void close_between(unsigned lo, unsigned hi)
{
	if (lo > hi || host_syscall3(__NR_close_range, lo, hi, 0) == 0)
		return;
	for (unsigned fd = lo; fd <= hi && fd < CLOSE_MAX; fd++)
		host_syscall3(__NR_close, fd, 0, 0);
}

/* Of what was inherited, only console, network and status stay open (and 2, for hosted_die()). */
static void close_others(void)
{
	unsigned a = (unsigned)hosted_config.netfd, b = (unsigned)hosted_config.statusfd;
	unsigned lo = a < b ? a : b, hi = a < b ? b : a; /* -1 is the highest number */

	lo = lo < FIRST_FD ? FIRST_FD - 1 : lo;
	hi = hi < FIRST_FD ? FIRST_FD - 1 : hi;
	if (lo > FIRST_FD)
		close_between(FIRST_FD, lo - 1);
	if (hi > lo)
		close_between(lo + 1, hi - 1);
	if (hi != UINT32_MAX)
		close_between(hi + 1, UINT32_MAX);
}

static const void *read_auxv(const uint64_t *sp)
{
	const uint64_t *p = sp + 1 + sp[0] + 1; /* argc, argv, NULL */
	const void *vdso = NULL;

	while (*p++ != 0) /* environment */
		continue;
	for (; p[0] != AT_NULL; p += 2) {
		if (p[0] == AT_SYSINFO_EHDR)
			vdso = (const void *)p[1];
		else if (p[0] == AT_HWCAP2)
			hosted_fsgsbase = (p[1] & HWCAP2_FSGSBASE) != 0;
	}
	return vdso;
}

void hosted_boot(const uint64_t *sp);
void hosted_boot(const uint64_t *sp)
{
	const char *const *argv = (const char *const *)(sp + 1);
	const void *vdso = read_auxv(sp);

	hosted_pid = (int)host_syscall3(__NR_getpid, 0, 0, 0);
	info.platform = "hosted";
	info.cmdline = sp[0] > 1 ? argv[1] : "";
	hosted_config_parse(info.cmdline);
	if (sp[0] > 2)
		hosted_die("more arguments than the launch document: those of the program are its "
			   "\"args\", kiln run IMAGE -- ARGUMENT",
		    0);
	close_others();

	hosted_time_init(vdso);
	hosted_memory_init(&info, &region);
	hosted_cpus_init();
	hosted_signals_init();
	hosted_net_init();

	info.ncpu = (unsigned)hosted_config.ncpu;
	info.image_base = (uintptr_t)__ehdr_start;
	info.image_end = (uintptr_t)__kiln_image_end;
	info.rootfs_size = (size_t)(__kiln_rootfs_end - __kiln_rootfs_start);
	info.rootfs = info.rootfs_size > 0 ? __kiln_rootfs_start : NULL;
	hosted_seccomp();
	rumpkern_main(&info);
}
