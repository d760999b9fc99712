/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tells what a program sees of the network, looks names up, and stays a while.
 *   netinfo [SECONDS [NAME ...]]
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *address(int s, unsigned long what, struct ifreq *ifr)
{
	struct sockaddr_in sin;

	if (ioctl(s, (int)what, ifr) != 0)
		return "none";
	memcpy(&sin, &ifr->ifr_addr, sizeof(sin));
	return inet_ntoa(sin.sin_addr);
}

static void interfaces(void)
{
	struct ifreq ifr[8], one;
	struct ifconf ifc = {.ifc_len = sizeof(ifr), .ifc_req = ifr};
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (s < 0 || ioctl(s, SIOCGIFCONF, &ifc) != 0) {
		perror("netinfo");
		exit(1);
	}
	for (size_t i = 0; i < (size_t)ifc.ifc_len / sizeof(ifr[0]); i++) {
		one = ifr[i];
		printf("%s address %s", one.ifr_name, address(s, SIOCGIFADDR, &one));
		printf(" mask %s", address(s, SIOCGIFNETMASK, &one));
		if (ioctl(s, SIOCGIFMTU, &one) == 0)
			printf(" mtu %d", one.ifr_mtu);
		printf("\n");
	}
	close(s);
}

static void resolver(void)
{
	char line[256];
	FILE *f = fopen("/etc/resolv.conf", "r");

	if (!f) {
		printf("no resolv.conf\n");
		return;
	}
	while (fgets(line, sizeof(line), f))
		printf("resolv.conf: %s", line);
	fclose(f);
}

static void look_up(const char *name)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *ai;
	const struct sockaddr_in *sin;
	int error = getaddrinfo(name, NULL, &hints, &ai);

	if (error) {
		printf("name %s: %s\n", name, gai_strerror(error));
		return;
	}
	sin = (const struct sockaddr_in *)ai->ai_addr;
	printf("name %s: %s\n", name, inet_ntoa(sin->sin_addr));
	freeaddrinfo(ai);
}

int main(int argc, char **argv)
{
	interfaces();
	resolver();
	for (int i = 2; i < argc; i++)
		look_up(argv[i]);
	fflush(stdout);
	if (argc > 1) {
		sleep((unsigned)atoi(argv[1]));
		interfaces();
	}
	return 0;
}
