/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process 1 of the Linux guest that we compare with: mounts what a server
 * expects, loads the network modules named in /modules, configures eth0 with the address
 * and gateway in /address (what QEMU's user network wants, if there is none), starts the program
 * named in /command (an argument a line), and powers off when it ends.  As small as a Linux guest
 * gets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void set_address(int s, unsigned long request, const char *name, const char *addr)
{
	struct ifreq ifr = {0};
	struct sockaddr_in *sin = (struct sockaddr_in *)&ifr.ifr_addr;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	sin->sin_family = AF_INET;
	inet_pton(AF_INET, addr, &sin->sin_addr);
	if (ioctl(s, request, &ifr) != 0)
		printf("init: %s %s: %s\n", name, addr, strerror(errno));
}

static int interface_up(int s, const char *name)
{
	struct ifreq ifr = {0};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(s, SIOCGIFFLAGS, &ifr) != 0)
		return -1;
	ifr.ifr_flags |= IFF_UP | IFF_RUNNING;
	return ioctl(s, SIOCSIFFLAGS, &ifr);
}

static void default_route(int s, const char *gateway)
{
	struct rtentry rt = {.rt_flags = RTF_UP | RTF_GATEWAY};

	((struct sockaddr_in *)&rt.rt_dst)->sin_family = AF_INET;
	((struct sockaddr_in *)&rt.rt_genmask)->sin_family = AF_INET;
	((struct sockaddr_in *)&rt.rt_gateway)->sin_family = AF_INET;
	inet_pton(AF_INET, gateway, &((struct sockaddr_in *)&rt.rt_gateway)->sin_addr);
	ioctl(s, SIOCADDRT, &rt);
}

static void network(void)
{
	char line[256], path[300], address[16] = "10.0.2.15", gateway[16] = "10.0.2.2";
	FILE *f = fopen("/address", "r");
	int s;

	if (f) {
		if (fscanf(f, "%15s %15s", address, gateway) != 2)
			printf("init: /address: no address\n");
		fclose(f);
	}
	f = fopen("/modules", "r");

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		snprintf(path, sizeof(path), "/mod/%s", line);
		int fd = open(path, O_RDONLY);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0)
			printf("init: %s: %s\n", path, strerror(errno));
		close(fd);
	}
	fclose(f);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	set_address(s, SIOCSIFADDR, "lo", "127.0.0.1");
	interface_up(s, "lo");
	for (int i = 0; i < 200 && interface_up(s, "eth0") != 0; i++)
		usleep(5000);
	set_address(s, SIOCSIFADDR, "eth0", address);
	set_address(s, SIOCSIFNETMASK, "eth0", "255.255.255.0");
	default_route(s, gateway);
	close(s);
}

int main(void)
{
	static char line[256];
	char *args[32];
	int n = 0, status;
	pid_t pid;
	FILE *f;

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, "");
	mount("proc", "/proc", "proc", 0, "");
	mount("sysfs", "/sys", "sysfs", 0, "");
	network();
	f = fopen("/command", "r");
	while (f && n < 31 && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		args[n++] = strdup(line);
	}
	args[n] = NULL;
	pid = n > 0 ? fork() : -1;
	if (pid == 0) {
		execv(args[0], args);
		printf("init: %s: %s\n", args[0], strerror(errno));
		_exit(127);
	}
	while (pid > 0 && wait(&status) != pid)
		;
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
