/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/self: the program (proc(5)). */
#include <sys/mman.h>
#include <kern/config.h>
#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/sysproto.h>
#include <kern/vm_map.h>
#include <vfs/procfs.h>
#include "procfs_impl.h"

#define TICK (NSEC_PER_SEC / 100) /* AT_CLKTCK */

static void show_self(struct procbuf *pb)
{
	proc_printf(pb, "1");
}
PROCFS_ENTRY(self, "/proc/self", S_IFLNK, show_self);

static const char *program(void)
{
	const char *name = config_string("name");

	return name ? name : "program";
}

static void show_exe(struct procbuf *pb)
{
	proc_printf(pb, "%s%s", program()[0] == '/' ? "" : "/", program());
}
PROCFS_ENTRY(exe, "/proc/1/exe", S_IFLNK, show_exe);

static void show_fd(struct procbuf *pb)
{
	proc_printf(pb, "/dev/fd");
}
PROCFS_ENTRY(fd, "/proc/1/fd", S_IFLNK, show_fd);

static void show_root(struct procbuf *pb)
{
	proc_printf(pb, "/");
}
PROCFS_ENTRY(root, "/proc/1/root", S_IFLNK, show_root);

static void show_cwd(struct procbuf *pb)
{
	char path[256];

	proc_printf(pb, "%s", do_sys_getcwd(path, sizeof(path)) > 0 ? path : "/");
}
PROCFS_ENTRY(cwd, "/proc/1/cwd", S_IFLNK, show_cwd);

static void show_cmdline(struct procbuf *pb)
{
	unsigned n = config_count("args");
	char path[24];

	proc_write(pb, program(), strlen(program()) + 1);
	for (unsigned i = 0; i < n; i++) {
		const char *arg;

		ksnprintf(path, sizeof(path), "args.%u", i);
		arg = config_string(path);
		proc_write(pb, arg ? arg : "", strlen(arg ? arg : "") + 1);
	}
}
PROCFS_ENTRY(cmdline, "/proc/1/cmdline", S_IFREG, show_cmdline);

static void show_environ(struct procbuf *pb)
{
	const char *key, *value;

	for (unsigned n = 0; config_pair("env", n, &key, &value); n++) {
		proc_printf(pb, "%s=%s", key, value ? value : "");
		proc_write(pb, "", 1);
	}
}
PROCFS_ENTRY(environ, "/proc/1/environ", S_IFREG, show_environ);

/* The name of thread 1, copied while it can't end. */
static void thread_name(char *name, size_t size)
{
	struct lwp *l;

	mutex_enter(&proc_lock);
	l = lwp_find(1);
	strlcpy(name, l ? l->l_name : "", size);
	mutex_exit(&proc_lock);
}

static unsigned nthreads(void)
{
	struct lwp *l;
	unsigned n = 0;

	mutex_enter(&proc_lock);
	TAILQ_FOREACH (l, &alllwp, l_list)
		n += !l->l_kernel && !l->l_exiting;
	mutex_exit(&proc_lock);
	return n;
}

static void show_comm(struct procbuf *pb)
{
	char name[16];

	thread_name(name, sizeof(name));
	proc_printf(pb, "%s\n", name);
}
PROCFS_ENTRY(comm, "/proc/1/comm", S_IFREG, show_comm);

static void show_range(const struct vm_map_range *r, void *arg)
{
	proc_printf(arg, "%08lx-%08lx %c%c%c%c %08llx 00:00 0\n", r->vr_start, r->vr_end,
	    r->vr_prot & PROT_READ ? 'r' : '-', r->vr_prot & PROT_WRITE ? 'w' : '-',
	    r->vr_prot & PROT_EXEC ? 'x' : '-', r->vr_shared ? 's' : 'p',
	    (unsigned long long)r->vr_off);
}

static void show_maps(struct procbuf *pb)
{
	uintptr_t start, end;

	vm_map_foreach(show_range, pb);
	/* Text and data have protections of their own (docs/hw.md). */
	vm_image_range(&start, &end);
	proc_printf(pb, "%08lx-%08lx r-xp 00000000 00:00 0 \t%s%s\n", start, end,
	    program()[0] == '/' ? "" : "/", program());
}
PROCFS_ENTRY(maps, "/proc/1/maps", S_IFREG, show_maps);

struct sizes {
	uint64_t total, resident, shared; /* pages */
};

static void add_range(const struct vm_map_range *r, void *arg)
{
	struct sizes *s = arg;

	s->total += (r->vr_end - r->vr_start) >> PAGE_SHIFT;
	s->resident += r->vr_resident;
	if (r->vr_shared)
		s->shared += r->vr_resident;
}

static uint64_t image_pages(void)
{
	uintptr_t start, end;

	vm_image_range(&start, &end);
	return round_page(end - start) >> PAGE_SHIFT;
}

static void count(struct sizes *s)
{
	*s = (struct sizes){image_pages(), image_pages(), 0};
	vm_map_foreach(add_range, s);
}

static void show_statm(struct procbuf *pb)
{
	struct sizes s;

	count(&s);
	proc_printf(pb, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)s.total,
	    (unsigned long long)s.resident, (unsigned long long)s.shared,
	    (unsigned long long)image_pages(), (unsigned long long)(s.total - image_pages()));
}
PROCFS_ENTRY(statm, "/proc/1/statm", S_IFREG, show_statm);

static void show_stat(struct procbuf *pb)
{
	struct sizes s;
	uintptr_t start, end;
	char name[16];

	count(&s);
	vm_image_range(&start, &end);
	thread_name(name, sizeof(name));
	/* pid comm state ppid pgrp session tty tpgid flags minflt.. utime stime cutime cstime */
	proc_printf(pb, "1 (%s) R 0 1 1 0 -1 4194560 0 0 0 0 %llu 0 0 0 20 0 %u 0 0 ", name,
	    (unsigned long long)(proc_cputime() / TICK), nthreads());
	/* vsize rss rsslim startcode endcode startstack ... processor rt_priority policy ... */
	proc_printf(pb,
	    "%llu %llu 18446744073709551615 %lu %lu 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 "
	    "0 0 0 0 0 0 0 0\n",
	    (unsigned long long)(s.total << PAGE_SHIFT), (unsigned long long)s.resident, start,
	    end);
}
PROCFS_ENTRY(stat, "/proc/1/stat", S_IFREG, show_stat);

static void show_status(struct procbuf *pb)
{
	struct sizes s;
	char name[16];

	count(&s);
	thread_name(name, sizeof(name));
	proc_printf(pb,
	    "Name:\t%s\nUmask:\t0022\nState:\tR (running)\nTgid:\t1\nNgid:\t0\nPid:\t1\n"
	    "PPid:\t0\nTracerPid:\t0\n",
	    name);
	proc_printf(pb, "Uid:\t%ld\t%ld\t%ld\t%ld\nGid:\t%ld\t%ld\t%ld\t%ld\n", do_sys_getuid(),
	    do_sys_geteuid(), do_sys_geteuid(), do_sys_geteuid(), do_sys_getgid(), do_sys_getegid(),
	    do_sys_getegid(), do_sys_getegid());
	proc_printf(pb, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmRSS:\t%8llu kB\n",
	    (unsigned long long)s.total * 4, (unsigned long long)s.total * 4,
	    (unsigned long long)s.resident * 4);
	proc_printf(pb, "Threads:\t%u\nCpus_allowed_list:\t0-%u\n", nthreads(), cpu_count - 1);
}
PROCFS_ENTRY(status, "/proc/1/status", S_IFREG, show_status);

static void show_mounts(struct procbuf *pb)
{
	proc_printf(pb, "tmpfs / tmpfs rw 0 0\nproc /proc proc rw 0 0\nsysfs /sys sysfs ro 0 0\n");
}
PROCFS_ENTRY(mounts, "/proc/1/mounts", S_IFREG, show_mounts);
