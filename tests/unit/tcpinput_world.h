/* SPDX-License-Identifier: BSD-2-Clause */
/* tcpinput_world.h - what t_tcpinput.c and t_tcpdata.c share: a listener, and a connection made
 * through it. */
#ifndef TCPINPUT_WORLD_H
#define TCPINPUT_WORLD_H

#include "networld.h"

#define IRS 0xfffffff0U /* numbers wrap early in each connection */

extern uint8_t frame[NET_FRAME_MAX], data[66000], got[66000];
extern int listener, fd;
extern struct tcpcb *tp; /* an established connection, fd, from port 1000 */

void setup(void);
void teardown(void); /* sees that no memory is left in use */
int accept_one(void);
/* A segment for the connection: offsets from what it expects. */
void segment(uint8_t flags, int32_t seq, int32_t ack, size_t len);
/* The answer to whatever came since n frames had been sent: one bare ACK of what we have. */
bool only_ack_since(unsigned long n);
long receive(void);

#endif
