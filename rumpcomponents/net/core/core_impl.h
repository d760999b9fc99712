/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of net/core share. */
#ifndef CORE_IMPL_H
#define CORE_IMPL_H

struct ifnet;

/* Number the interface, put it on the list, run the attach hooks.  May sleep. */
void if_attach(struct ifnet *ifp);
/* Make the loopback interface.  ENOMEM. */
int loop_attach(void);

#endif
