/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses from the launch configuration (docs/configuration.md, "net.if"), and /etc/resolv.conf.
 */
#include <kern/component.h>
#include <kern/config.h>
#include <vfs/vfs_kern.h>
#include "ip_impl.h"

#define SERVERS_MAX 3 /* as many as resolvers use */

CONFIG_KEY(net_if, "net.if", CONFIG_ARRAY);
CONFIG_KEY(net_if_mode, "net.if.*.mode", CONFIG_STRING);
CONFIG_KEY(net_if_address, "net.if.*.address", CONFIG_STRING);
CONFIG_KEY(net_if_gateway, "net.if.*.gateway", CONFIG_STRING);
CONFIG_KEY(net_if_dns, "net.if.*.dns", CONFIG_ARRAY);

static bool dns_configured; /* set before there is a DHCP client */

static const char *value_at(unsigned n, const char *key, char *path, size_t size)
{
	ksnprintf(path, size, "net.if.%u.%s", n, key);
	return config_string(path);
}

static bool address_only(const char *s, uint32_t *addr)
{
	return in_parse(&s, addr) && *s == '\0';
}

static bool address_with_prefix(const char *s, uint32_t *addr, uint32_t *mask)
{
	unsigned len = 0, digits = 0;

	if (!in_parse(&s, addr) || *s++ != '/')
		return false;
	for (; *s >= '0' && *s <= '9' && digits < 3; s++, digits++)
		len = len * 10 + (unsigned)(*s - '0');
	if (*s != '\0' || digits == 0 || len == 0 || len > 32)
		return false;
	*mask = hton32(0xffffffffU << (32 - len));
	return *addr != 0 && !IP4_MULTICAST(*addr) && !IP4_LOOPBACK(*addr) &&
	       *addr != IP4_BROADCAST;
}

/* A file system may not be there: then nobody can ask for the file either. */
static void write_resolvconf(const uint32_t *servers, unsigned n, const char *domain)
{
	char buf[512];
	size_t len = 0;
	unsigned i;

	if (!vfs_writefile || n == 0)
		return;
	if (domain)
		len += (size_t)ksnprintf(buf, 300, "search %s\n", domain);
	for (i = 0; i < n && i < SERVERS_MAX; i++) {
		const uint8_t *a = (const uint8_t *)&servers[i];

		len += (size_t)ksnprintf(buf + len, sizeof(buf) - len, "nameserver %u.%u.%u.%u\n",
		    a[0], a[1], a[2], a[3]);
	}
	(void)vfs_writefile("/etc/resolv.conf", buf, KMIN(len, sizeof(buf)), 0644);
}

void in_resolvconf(const uint32_t *servers, unsigned n, const char *domain)
{
	if (!dns_configured)
		write_resolvconf(servers, n, domain);
}

/* "dns". */
static void configure_dns(unsigned n)
{
	uint32_t servers[SERVERS_MAX];
	unsigned count, i, ok = 0;
	char path[64];
	const char *s;

	ksnprintf(path, sizeof(path), "net.if.%u.dns", n);
	count = config_count(path);
	for (i = 0; i < count && ok < SERVERS_MAX; i++) {
		ksnprintf(path, sizeof(path), "net.if.%u.dns.%u", n, i);
		s = config_string(path);
		if (!s)
			continue;
		if (address_only(s, &servers[ok]))
			ok++;
		else
			config_complain(path, s, "an IPv4 address");
	}
	if (ok == 0)
		return;
	dns_configured = true;
	write_resolvconf(servers, ok, NULL);
}

static void configure_static(struct ifnet *ifp, unsigned n)
{
	uint32_t addr, mask, gateway;
	char path[64];
	const char *s = value_at(n, "address", path, sizeof(path));

	if (!s || !address_with_prefix(s, &addr, &mask)) {
		config_complain(path, s ? s : "", "an IPv4 address with prefix length");
		return;
	}
	if (in_setaddr(ifp, addr, mask) != 0)
		return;
	s = value_at(n, "gateway", path, sizeof(path));
	if (s) {
		if (!address_only(s, &gateway) || !in_onlink(ifp->if_inaddr, gateway))
			config_complain(path, s, "an IPv4 address in the network of the interface");
		else
			(void)ip_route_add(0, 0, gateway, NULL);
	}
}

void in_configure(struct ifnet *ifp, unsigned n)
{
	char path[64];
	const char *mode;

	configure_dns(n);
	mode = value_at(n, "mode", path, sizeof(path));
	if (mode && strcmp(mode, "static") == 0) {
		configure_static(ifp, n);
		return;
	}
	if (mode && strcmp(mode, "dhcp") != 0)
		config_complain(path, mode, "\"dhcp\" or \"static\"");
	if (dhcp_start)
		(void)dhcp_start(ifp, n);
}

static int in_config_start(void)
{
	struct ifnet *ifp;
	unsigned n = 0;

	TAILQ_FOREACH (ifp, &ifnet_list, if_list)
		if (!(ifp->if_flags & IFF_LOOPBACK))
			in_configure(ifp, n++);
	return 0;
}
RUMP_COMPONENT(netinet_config, RUMP_PHASE_CONF, in_config_start);
