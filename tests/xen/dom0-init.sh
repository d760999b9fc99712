#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The control domain's init.  /job/guest.cfg is the guest to make (a file of xl's); what the
# guest prints goes to the second serial port, everything else to the first, which ends
# with "rig: end CODE": 0 the guest powered off, 1 rebooted, 3 crashed; 124 it took too
# long; 125 there was no guest.
export PATH=/bin HOME=/ LD_LIBRARY_PATH=/lib
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
mount -t tmpfs none /run
exec < /dev/null > /dev/hvc0 2>&1

end() {
	echo "rig: end $1"
	sync
	usleep 100000
	# QEMU's isa-debug-exit, by its port.
	printf '\001' | dd of=/dev/port bs=1 seek=244 2> /dev/null
	poweroff -f
}

while read -r module; do insmod "/mod/$module"; done < /mod/order
mount -t xenfs none /proc/xen || end 125
mkdir -p /run/xen /run/xenstored /run/lock /dev/pts
mount -t devpts none /dev/pts
xenstored --pid-file=/run/xenstored.pid
tries=0
until xenstore-ls / > /dev/null 2>&1; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || end 125
	usleep 100000
done
xen-init-dom0
stty -F /dev/ttyS1 raw -echo 115200
ln -s /dev/ttyS1 /var/log/xen/console/guest-guest.log
xenconsoled --log=guest --log-dir=/var/log/xen/console

echo "rig: create"
# -e: nobody cleans up behind the guest, so that it is listed with its end.
xl create -e /job/guest.cfg || end 125
seconds=$(cat /job/seconds)
while :; do
	# Name ID Mem VCPUs State Time UUID Reason-Code Label
	set -- $(xl list -v guest | tail -n 1)
	case $5 in
	*s* | *c* | *d*) break ;;
	esac
	[ "$(cut -d. -f1 /proc/uptime)" -lt "$seconds" ] || end 124
	timeout 2 xenstore-watch -n 2 @releaseDomain > /dev/null 2>&1
done
usleep 300000 # for xenconsoled to write the rest
end "$8"
