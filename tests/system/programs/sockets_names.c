/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of hosts, names of interfaces. */
#include "sockets.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool resolves(
    const char *host, const char *service, int flags, int type, const char *want, int port)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = type, .ai_flags = flags}, *ai;
	const struct sockaddr_in *sin;
	bool good;

	if (getaddrinfo(host, service, &hints, &ai) != 0)
		return false;
	sin = (const struct sockaddr_in *)ai->ai_addr;
	good = ai->ai_family == AF_INET && ai->ai_socktype == type &&
	       sin->sin_port == htons((in_port_t)port) && sin->sin_addr.s_addr == inet_addr(want);
	freeaddrinfo(ai);
	return good;
}

static void hosts(void)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_flags = AI_NUMERICHOST}, *ai;
	struct sockaddr_in sin = loopback(htons(80));
	char host[64], serv[16];

	limit("getaddrinfo", 30);
	CHECK("getaddrinfo: a number",
	    resolves("192.0.2.7", "8080", 0, SOCK_STREAM, "192.0.2.7", 8080));
	CHECK(
	    "getaddrinfo: AI_PASSIVE", resolves(NULL, "53", AI_PASSIVE, SOCK_DGRAM, "0.0.0.0", 53));
	CHECK("getaddrinfo: nothing is loopback",
	    resolves(NULL, "53", 0, SOCK_DGRAM, "127.0.0.1", 53));
	CHECK("getaddrinfo: AI_ADDRCONFIG",
	    resolves("127.0.0.1", "1", AI_ADDRCONFIG, SOCK_STREAM, "127.0.0.1", 1));
	CHECK("getaddrinfo: EAI_NONAME", getaddrinfo("no.number", NULL, &hints, &ai) == EAI_NONAME);
	CHECK("getaddrinfo: a name in /etc/hosts",
	    resolves("localhost", "7", 0, SOCK_STREAM, "127.0.0.1", 7));
	if (getenv("HOSTS_NAME"))
		CHECK("getaddrinfo: another name in /etc/hosts",
		    resolves(
			getenv("HOSTS_NAME"), "7", 0, SOCK_STREAM, getenv("HOSTS_ADDRESS"), 7));
	CHECK("getnameinfo: numbers",
	    getnameinfo((struct sockaddr *)&sin, sizeof(sin), host, sizeof(host), serv,
		sizeof(serv), NI_NUMERICHOST | NI_NUMERICSERV) == 0 &&
		strcmp(host, "127.0.0.1") == 0 && strcmp(serv, "80") == 0);
}

static void interfaces(void)
{
	struct ifreq ifr[16];
	struct ifconf ifc = {.ifc_len = sizeof(ifr), .ifc_req = ifr};
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	bool lo = false;
	struct in_addr a;

	limit("interfaces", 20);
	CHECK("SIOCGIFCONF", ioctl(s, SIOCGIFCONF, &ifc) == 0);
	for (size_t i = 0; i < (size_t)ifc.ifc_len / sizeof(ifr[0]); i++)
		lo = lo || strcmp(ifr[i].ifr_name, "lo") == 0;
	CHECK("SIOCGIFCONF: lo is there", lo);
	memset(ifr, 0, sizeof(ifr));
	strcpy(ifr[0].ifr_name, "lo");
	CHECK("SIOCGIFADDR", ioctl(s, SIOCGIFADDR, ifr) == 0);
	memcpy(&a, &((struct sockaddr_in *)&ifr[0].ifr_addr)->sin_addr, sizeof(a));
	CHECK("SIOCGIFADDR: 127.0.0.1", a.s_addr == htonl(INADDR_LOOPBACK));
	CHECK("SIOCGIFFLAGS", ioctl(s, SIOCGIFFLAGS, ifr) == 0 &&
				  (ifr[0].ifr_flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING)) ==
				      (IFF_UP | IFF_LOOPBACK | IFF_RUNNING));
	CHECK("SIOCGIFMTU", ioctl(s, SIOCGIFMTU, ifr) == 0 && ifr[0].ifr_mtu >= 1500);
	CHECK("SIOCGIFINDEX", ioctl(s, SIOCGIFINDEX, ifr) == 0 && ifr[0].ifr_ifindex > 0);
	strcpy(ifr[0].ifr_name, "none0");
	CHECK("ENODEV", FAILS(ioctl(s, SIOCGIFADDR, ifr), ENODEV));
	close(s);
	CHECK("if_nametoindex", if_nametoindex("lo") > 0);
}

void test_names(void)
{
	hosts();
	interfaces();
}
