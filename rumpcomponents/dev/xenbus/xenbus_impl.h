/* SPDX-License-Identifier: BSD-2-Clause */
/* dev/xenbus's own. */
#ifndef XENBUS_IMPL_H
#define XENBUS_IMPL_H

#include <dev/xenbus.h>

/* Have back ends kept more of xd's rings, and keep them still, than one that means well would? */
bool xenbus_keeps_too_much(struct xenbus_device *xd);
/* The platform has closed all channels: they are still to be freed, and until then do nothing. */
void xenbus_channels_lost(void);

#endif
