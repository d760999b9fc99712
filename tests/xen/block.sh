#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# xl calls this for each disk of a guest; the driver waits for physical-device, the numbers
# of a block device in hexadecimal, and xl for hotplug-status.  A file gets a loop device.
exec > /dev/hvc0 2>&1
disk=$(xenstore-read "$XENBUS_PATH/params")
case $1 in
add)
	if [ ! -b "$disk" ]; then
		loop=$(losetup -f)
		losetup "$loop" "$disk"
		disk=$loop
		xenstore-write "$XENBUS_PATH/node" "$loop"
	fi
	xenstore-write "$XENBUS_PATH/physical-device" "$(stat -L -c %t:%T "$disk")"
	xenstore-write "$XENBUS_PATH/hotplug-status" connected
	;;
remove)
	[ -b "$disk" ] || losetup -d "$(xenstore-read "$XENBUS_PATH/node")"
	;;
esac
exit 0
