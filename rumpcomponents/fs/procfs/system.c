/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc and /sys: the machine and the kernel (proc(5)). */
#include <sys/utsname.h>
#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/random.h>
#include <kern/sysproto.h>
#include <vfs/procfs.h>
#include "procfs_impl.h"

#define TICK (NSEC_PER_SEC / 100)

struct cpuid {
	uint32_t a, b, c, d;
};

static struct cpuid cpuid(uint32_t leaf)
{
	struct cpuid r = {.a = leaf};

	__asm__ volatile("cpuid" : "+a"(r.a), "=b"(r.b), "+c"(r.c), "=d"(r.d));
	return r;
}

/* Linux's names of what programs look for; of leaf 1's and leaf 7's registers. */
static const struct {
	char name[10];
	uint8_t word, bit; /* word: 1.edx, 1.ecx, 7.ebx */
} flags[] = {{"fpu", 0, 0}, {"tsc", 0, 4}, {"cx8", 0, 8}, {"cmov", 0, 15}, {"mmx", 0, 23},
    {"fxsr", 0, 24}, {"sse", 0, 25}, {"sse2", 0, 26}, {"pni", 1, 0}, {"pclmulqdq", 1, 1},
    {"ssse3", 1, 9}, {"fma", 1, 12}, {"cx16", 1, 13}, {"sse4_1", 1, 19}, {"sse4_2", 1, 20},
    {"movbe", 1, 22}, {"popcnt", 1, 23}, {"aes", 1, 25}, {"xsave", 1, 26}, {"avx", 1, 28},
    {"f16c", 1, 29}, {"rdrand", 1, 30}, {"fsgsbase", 2, 0}, {"bmi1", 2, 3}, {"avx2", 2, 5},
    {"bmi2", 2, 8}, {"erms", 2, 9}, {"rdseed", 2, 18}, {"adx", 2, 19}, {"sha_ni", 2, 29}};

static void show_flags(struct procbuf *pb, struct cpuid one)
{
	uint32_t words[3] = {one.d, one.c, cpuid(0).a >= 7 ? cpuid(7).b : 0};

	proc_printf(pb, "flags\t\t:");
	for (unsigned i = 0; i < NELEM(flags); i++)
		if (words[flags[i].word] >> flags[i].bit & 1)
			proc_printf(pb, " %.*s", (int)sizeof(flags[i].name), flags[i].name);
}

/* The processor's name, 48 bytes from three leaves (Intel SDM vol. 2, CPUID). */
static void model_name(char name[49])
{
	name[0] = '\0';
	if (cpuid(0x80000000).a < 0x80000004)
		return;
	for (unsigned i = 0; i < 3; i++) {
		struct cpuid r = cpuid(0x80000002 + i);
		memcpy(name + 16 * i, &r, 16);
	}
	name[48] = '\0';
}

static void show_cpuinfo(struct procbuf *pb)
{
	struct cpuid zero = cpuid(0), one = cpuid(1);
	uint32_t vendor[3] = {zero.b, zero.d, zero.c};
	unsigned family = one.a >> 8 & 0xf, model = one.a >> 4 & 0xf;
	char name[49];

	if (family == 0xf)
		family += one.a >> 20 & 0xff;
	if (family >= 6)
		model |= one.a >> 12 & 0xf0;
	model_name(name);
	for (unsigned i = 0; i < cpu_count; i++) {
		proc_printf(pb,
		    "processor\t: %u\nvendor_id\t: %.12s\ncpu family\t: %u\nmodel\t\t: %u\nmodel "
		    "name\t: "
		    "%s\nstepping\t: %u\n",
		    i, (const char *)vendor, family, model, name, one.a & 0xf);
		proc_printf(pb,
		    "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n",
		    cpu_count, i, cpu_count);
		show_flags(pb, one);
		proc_printf(pb, "\n\n");
	}
}
PROCFS_ENTRY(cpuinfo, "/proc/cpuinfo", S_IFREG, show_cpuinfo);

static void show_meminfo(struct procbuf *pb)
{
	struct kmem_stats ks;
	unsigned long long total, left;

	kmem_stats(&ks);
	total = ks.ks_pages_total * (PAGE_SIZE / 1024);
	left = ks.ks_pages_free * (PAGE_SIZE / 1024);
	proc_printf(pb, "MemTotal:       %8llu kB\nMemFree:        %8llu kB\n", total, left);
	proc_printf(pb, "MemAvailable:   %8llu kB\nBuffers:               0 kB\n", left);
	proc_printf(pb,
	    "Cached:                0 kB\nSwapTotal:             0 kB\n"
	    "SwapFree:              0 kB\nShmem:                 0 kB\nSlab:           "
	    "%8llu kB\nHugePages_Total:       0\nHugepagesize:       2048 kB\n",
	    (unsigned long long)ks.ks_kmem_bytes / 1024);
}
PROCFS_ENTRY(meminfo, "/proc/meminfo", S_IFREG, show_meminfo);

static void show_uptime(struct procbuf *pb)
{
	unsigned long long t = nanouptime() / (NSEC_PER_SEC / 100);

	proc_printf(pb, "%llu.%02llu 0.00\n", t / 100, t % 100);
}
PROCFS_ENTRY(uptime, "/proc/uptime", S_IFREG, show_uptime);

static void show_loadavg(struct procbuf *pb)
{
	proc_printf(pb, "0.00 0.00 0.00 1/1 1\n"); /* nobody samples */
}
PROCFS_ENTRY(loadavg, "/proc/loadavg", S_IFREG, show_loadavg);

static void show_stat(struct procbuf *pb)
{
	uint64_t up = nanouptime(), busy = proc_cputime();
	uint64_t all = up * cpu_count;

	proc_printf(pb, "cpu  %llu 0 0 %llu 0 0 0 0 0 0\n", (unsigned long long)(busy / TICK),
	    (unsigned long long)((all > busy ? all - busy : 0) / TICK));
	for (unsigned i = 0; i < cpu_count; i++)
		proc_printf(pb, "cpu%u %llu 0 0 %llu 0 0 0 0 0 0\n", i,
		    (unsigned long long)(busy / cpu_count / TICK),
		    (unsigned long long)((all > busy ? all - busy : 0) / cpu_count / TICK));
	proc_printf(pb, "btime %llu\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n",
	    (unsigned long long)((nanotime() - up) / NSEC_PER_SEC));
}
PROCFS_ENTRY(sysstat, "/proc/stat", S_IFREG, show_stat);

static void show_version(struct procbuf *pb)
{
	struct utsname u;

	(void)do_sys_uname(&u);
	proc_printf(pb, "%s version %s %s\n", u.sysname, u.release, u.version);
}
PROCFS_ENTRY(version, "/proc/version", S_IFREG, show_version);

static void show_ostype(struct procbuf *pb)
{
	struct utsname u;

	(void)do_sys_uname(&u);
	proc_printf(pb, "%s\n", u.sysname);
}
PROCFS_ENTRY(ostype, "/proc/sys/kernel/ostype", S_IFREG, show_ostype);

static void show_osrelease(struct procbuf *pb)
{
	struct utsname u;

	(void)do_sys_uname(&u);
	proc_printf(pb, "%s\n", u.release);
}
PROCFS_ENTRY(osrelease, "/proc/sys/kernel/osrelease", S_IFREG, show_osrelease);

static void show_hostname(struct procbuf *pb)
{
	struct utsname u;

	(void)do_sys_uname(&u);
	proc_printf(pb, "%s\n", u.nodename);
}
PROCFS_ENTRY(hostname, "/proc/sys/kernel/hostname", S_IFREG, show_hostname);

static void show_pid_max(struct procbuf *pb)
{
	proc_printf(pb, "32768\n");
}
PROCFS_ENTRY(pid_max, "/proc/sys/kernel/pid_max", S_IFREG, show_pid_max);
PROCFS_ENTRY(threads_max, "/proc/sys/kernel/threads-max", S_IFREG, show_pid_max);

static void show_uuid(struct procbuf *pb)
{
	uint8_t b[16];

	random_bytes(b, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40; /* RFC 9562, 5.4 */
	b[8] = (b[8] & 0x3f) | 0x80;
	for (unsigned i = 0; i < 16; i++)
		proc_printf(pb, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
	proc_printf(pb, "\n");
}
PROCFS_ENTRY(uuid, "/proc/sys/kernel/random/uuid", S_IFREG, show_uuid);

/* Memory is promised, not lent out twice: "never overcommit". */
static void show_overcommit(struct procbuf *pb)
{
	proc_printf(pb, "2\n");
}
PROCFS_ENTRY(overcommit, "/proc/sys/vm/overcommit_memory", S_IFREG, show_overcommit);

static void show_max_map_count(struct procbuf *pb)
{
	proc_printf(pb, "1048576\n"); /* there is no limit of its own */
}
PROCFS_ENTRY(max_map_count, "/proc/sys/vm/max_map_count", S_IFREG, show_max_map_count);

static void show_somaxconn(struct procbuf *pb)
{
	proc_printf(pb, "4096\n");
}
PROCFS_ENTRY(somaxconn, "/proc/sys/net/core/somaxconn", S_IFREG, show_somaxconn);

static void show_filesystems(struct procbuf *pb)
{
	proc_printf(pb, "nodev\ttmpfs\nnodev\tproc\nnodev\tsysfs\n\terofs\n");
}
PROCFS_ENTRY(filesystems, "/proc/filesystems", S_IFREG, show_filesystems);

static void show_self_mounts(struct procbuf *pb)
{
	proc_printf(pb, "self/mounts");
}
PROCFS_ENTRY(sysmounts, "/proc/mounts", S_IFLNK, show_self_mounts);

static void show_cpus(struct procbuf *pb)
{
	proc_printf(pb, cpu_count > 1 ? "0-%u\n" : "0\n", cpu_count - 1);
}
PROCFS_ENTRY(online, "/sys/devices/system/cpu/online", S_IFREG, show_cpus);
PROCFS_ENTRY(possible, "/sys/devices/system/cpu/possible", S_IFREG, show_cpus);
PROCFS_ENTRY(present, "/sys/devices/system/cpu/present", S_IFREG, show_cpus);

static void show_thp(struct procbuf *pb)
{
	proc_printf(pb, "always [madvise] never\n");
}
PROCFS_ENTRY(thp, "/sys/kernel/mm/transparent_hugepage/enabled", S_IFREG, show_thp);
