/* SPDX-License-Identifier: BSD-2-Clause */
/* The ioctls of sockets that tell about interfaces (netdevice(7)).  Nothing can be changed by them.
 */
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "ip_impl.h"

static void put_address(struct sockaddr *sa, uint32_t addr)
{
	struct sockaddr_in sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = addr;
	memcpy(sa, &sin, sizeof(sin));
}

static int list(void *data)
{
	struct ifnet *ifp;
	struct ifconf ifc;
	struct ifreq ifr;
	int room, used = 0, error = copyin(data, &ifc, sizeof(ifc));
	char *to = ifc.ifc_buf;

	room = error ? 0 : ifc.ifc_len;
	TAILQ_FOREACH (ifp, &ifnet_list, if_list) {
		if (!ifp->if_inaddr || ifp->if_inaddr->ia_addr == 0)
			continue;
		if (to && !error && room - used >= (int)sizeof(ifr)) {
			memset(&ifr, 0, sizeof(ifr));
			strlcpy(ifr.ifr_name, ifp->if_xname, sizeof(ifr.ifr_name));
			put_address(&ifr.ifr_addr, ifp->if_inaddr->ia_addr);
			error = copyout(&ifr, to + used, sizeof(ifr));
			used += (int)sizeof(ifr);
		} else if (!to) {
			used += (int)sizeof(ifr);
		}
	}
	ifc.ifc_len = used;
	return error ? error : copyout(&ifc, data, sizeof(ifc));
}

int in_ioctl(struct socket *so, unsigned long cmd, void *data)
{
	const struct in_ifaddr *ia;
	struct ifnet *ifp;
	struct ifreq ifr;
	int error;

	(void)so;
	if (cmd == SIOCGIFCONF)
		return list(data);
	if (cmd < SIOCGIFNAME || cmd > SIOCGIFINDEX + 0x10)
		return ENOTTY;
	error = copyin(data, &ifr, sizeof(ifr));
	if (error)
		return error;
	ifr.ifr_name[IFNAMSIZ - 1] = '\0';
	ifp = cmd == SIOCGIFNAME ? if_byindex(ifr.ifr_ifindex) : ifunit(ifr.ifr_name);
	if (!ifp)
		return ENODEV;
	ia = ifp->if_inaddr;
	switch (cmd) {
	case SIOCGIFNAME:
		strlcpy(ifr.ifr_name, ifp->if_xname, sizeof(ifr.ifr_name));
		break;
	case SIOCGIFFLAGS:
		ifr.ifr_flags = (short)ifp->if_flags;
		break;
	case SIOCGIFADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
		if (!ia || ia->ia_addr == 0)
			return EADDRNOTAVAIL;
		put_address(&ifr.ifr_addr, cmd == SIOCGIFADDR	   ? ia->ia_addr
					   : cmd == SIOCGIFNETMASK ? ia->ia_mask
								   : ia->ia_bcast);
		break;
	case SIOCGIFMTU:
		ifr.ifr_mtu = (int)ifp->if_mtu;
		break;
	case SIOCGIFMETRIC:
		ifr.ifr_metric = 0;
		break;
	case SIOCGIFHWADDR:
		memset(&ifr.ifr_hwaddr, 0, sizeof(ifr.ifr_hwaddr));
		ifr.ifr_hwaddr.sa_family = ifp->if_type;
		memcpy(ifr.ifr_hwaddr.sa_data, ifp->if_lladdr, 6);
		break;
	case SIOCGIFINDEX:
		ifr.ifr_ifindex = ifp->if_index;
		break;
	case SIOCSIFFLAGS:
	case SIOCSIFADDR:
	case SIOCSIFNETMASK:
	case SIOCSIFMTU:
		return EPERM;
	default:
		return ENOTTY;
	}
	return copyout(&ifr, data, sizeof(ifr));
}
