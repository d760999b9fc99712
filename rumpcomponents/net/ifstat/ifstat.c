/* SPDX-License-Identifier: BSD-2-Clause */
/* What the network interfaces have counted, in the report of kern/stats. */
#include <kern/stats.h>
#include <net/ifnet.h>

/* Of an image that has no network there is nothing to say. */
extern struct ifnethead ifnet_list __attribute__((weak));

static void ifstat_report(struct stats_report *r)
{
	struct ifnet *ifp;

	if (&ifnet_list == NULL)
		return;
	TAILQ_FOREACH (ifp, &ifnet_list, if_list) {
		stats_line(r, ifp->if_xname, ifp->if_xname);
		stats_value(r, "ipackets", ifp->if_ipackets, "packets in");
		stats_value(r, "ibytes", ifp->if_ibytes, "bytes");
		stats_value(r, "opackets", ifp->if_opackets, "packets out");
		stats_value(r, "obytes", ifp->if_obytes, "bytes");
		stats_value(r, "errors", ifp->if_ierrors + ifp->if_oerrors, "errors");
		stats_value(r, "dropped", ifp->if_iqdrops, "dropped");
	}
}
LINK_SET_ADD(stats_sources, ifstat_report);
