/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward.h - ports of this machine that lead to a guest, for networks that cannot do it
 * themselves.  Nothing of the machine's own is changed, so there is nothing to put back.
 */
#ifndef KILN_FORWARD_H
#define KILN_FORWARD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct forwarder;

/* NULL with errno set. */
struct forwarder *forward_open(void);

/*
 * From now on what arrives at the socket fd, which listens or is bound (UDP), goes to a
 * port of the guest.  The socket is the forwarder's.
 */
void forward_add(struct forwarder *f, int fd, struct in_addr guest, uint16_t port, bool udp);

/* A descriptor that is readable when there is work, and the work: never blocks. */
int forward_fd(const struct forwarder *f);
void forward_work(struct forwarder *f);

#endif
