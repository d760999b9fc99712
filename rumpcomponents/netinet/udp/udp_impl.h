/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of netinet/udp share. */
#ifndef UDP_IMPL_H
#define UDP_IMPL_H

#include <kern/systm.h>
#include <net/ifnet.h>
#include <net/mbuf.h>
#include <netinet/udp_var.h>

extern struct inpcbtable udp_table;

#endif
