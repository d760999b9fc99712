/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc and /sys, as programs read them. */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char text[1 << 20];

/* The whole file, in small pieces; its length, -1 if it can't be read. */
static ssize_t slurp(const char *path)
{
	size_t len = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return -1;
	while ((n = read(fd, text + len, 100)) > 0)
		len += (size_t)n;
	close(fd);
	text[len] = '\0';
	return n < 0 ? -1 : (ssize_t)len;
}

static unsigned lines_with(const char *start)
{
	unsigned n = strncmp(text, start, strlen(start)) == 0;
	const char *p = text;

	while ((p = strchr(p, '\n')) != NULL)
		n += strncmp(++p, start, strlen(start)) == 0;
	return n;
}

static int listed(const char *dir, const char *name)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	int n = 0;

	while (d && (de = readdir(d)) != NULL)
		n += strcmp(de->d_name, name) == 0;
	if (d)
		closedir(d);
	return n;
}

static void machine(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct stat st, other;
	int last = -1, fd;

	check(slurp("/proc/cpuinfo") > 0 && lines_with("processor\t: ") == (unsigned)cpus &&
		  strstr(text, " sse2"),
	    "cpuinfo has each CPU");
	check(slurp("/sys/devices/system/cpu/online") > 0 &&
		  (sscanf(text, "0-%d", &last) == 1 ? last == cpus - 1 : cpus == 1),
	    "the CPUs that are online");
	check(slurp("/proc/meminfo") > 0 && lines_with("MemTotal:") == 1 &&
		  lines_with("MemAvailable:") == 1 && strtoul(strchr(text, ' '), NULL, 10) > 1000,
	    "meminfo");
	check(slurp("/proc/uptime") > 0 && slurp("/proc/loadavg") > 0 && slurp("/proc/stat") > 0 &&
		  lines_with("cpu") == (unsigned)cpus + 1,
	    "stat, uptime and loadavg");
	check(slurp("/proc/sys/kernel/osrelease") > 2 && text[0] >= '4', "osrelease");
	check(slurp("/proc/sys/kernel/random/uuid") == 37 && text[14] == '4', "a random UUID");
	check(listed("/proc", "cpuinfo") == 1 && listed("/proc", "sys") == 1 &&
		  listed("/proc/sys/kernel", "hostname") == 1,
	    "directories list what is there, once");
	fd = open("/proc/cpuinfo", O_RDONLY);
	check(fstat(fd, &st) == 0 && stat("/proc/cpuinfo", &other) == 0 &&
		  st.st_ino == other.st_ino && st.st_dev == other.st_dev,
	    "an open file and its name are the same");
	close(fd);
	check(stat("/proc/sys/kernel", &st) == 0 && S_ISDIR(st.st_mode) &&
		  stat("/proc/sys/kernel/../../cpuinfo", &st) == 0 && S_ISREG(st.st_mode),
	    "and can be walked");
	check(access("/proc/sys/kernel/none", F_OK) == -1 && errno == ENOENT, "what isn't there");
	check(slurp("/proc/mounts") > 0 && strstr(text, " / "), "mounts");
}

static void *idle(void *arg)
{
	usleep(200000);
	return arg;
}

static void program(void)
{
	char path[256] = "", line[64];
	void *p = mmap(NULL, 5 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long size = 0, resident = 0;
	pthread_t t;
	int fd;

	check(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0 && path[0] == '/', "exe");
	mprotect((char *)p + 4096, 4096, PROT_READ | PROT_WRITE);
	snprintf(line, sizeof(line), "%08lx-%08lx rw-p ", (unsigned long)(uintptr_t)p + 4096,
	    (unsigned long)(uintptr_t)p + 8192);
	check(slurp("/proc/self/maps") > 0 && strstr(text, line), "maps shows a mapping");
	check(slurp("/proc/self/statm") > 0 && sscanf(text, "%lu %lu", &size, &resident) == 2 &&
		  size >= resident && resident > 0,
	    "statm");
	pthread_create(&t, NULL, idle, NULL);
	check(slurp("/proc/self/status") > 0 && strstr(text, "\nThreads:\t2\n") &&
		  strstr(text, "\nPid:\t"),
	    "status counts threads");
	check(slurp("/proc/self/stat") > 0 && strchr(text, '('), "stat");
	pthread_join(t, NULL);
	check(slurp("/proc/self/cmdline") > 0 && strlen(text) > 0, "cmdline");
	check(slurp("/proc/self/comm") > 1, "comm");
	fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
	snprintf(line, sizeof(line), "%d", fd);
	check(fd >= 0 && listed("/proc/self/fd", line) == 1, "fd lists descriptors");
	close(fd);
	fd = open("/proc/self/statm", O_RDONLY);
	read(fd, line, 5);
	check(lseek(fd, 0, SEEK_SET) == 0 && read(fd, path, 5) == 5 && memcmp(line, path, 5) == 0,
	    "a file is read again");
	close(fd);
	fd = open("/proc/uptime", O_WRONLY);
	check(fd == -1 || write(fd, "1", 1) == -1, "and not written to");
	close(fd);
	munmap(p, 5 * 4096);
}

/* Of files in /etc, of which the image has none of its own. */
static void names(void)
{
	struct passwd *pw = getpwuid(0);
	struct group *gr = getgrnam("nogroup");
	struct hostent *h = gethostbyname("localhost");

	check(pw && strcmp(pw->pw_name, "root") == 0 && getpwnam("nobody"), "users have names");
	check(gr && gr->gr_gid == 65534, "and groups");
	check(h && h->h_addrtype == AF_INET && h->h_addr_list[0][0] == 127, "localhost");
}

int main(void)
{
	machine();
	program();
	names();
	return failures != 0;
}
