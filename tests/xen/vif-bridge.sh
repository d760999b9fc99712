#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# xl calls this for each network interface of a guest ($vif, $XENBUS_PATH) and waits for
# hotplug-status.
exec > /dev/hvc0 2>&1
case $1 in
online | add)
	ip link set dev "$vif" up
	brctl addif "$(xenstore-read "$XENBUS_PATH/bridge")" "$vif"
	xenstore-write "$XENBUS_PATH/hotplug-status" connected
	;;
esac
exit 0
