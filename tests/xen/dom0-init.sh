#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The control domain's init.  run.sh says what it finds in /job:
#
#   settings    seconds=: how long the run may take; net=yes: there is a network; disks=: so many
#               disks come from the host, /dev/vda ...; out=: the disk that takes /out at the end
#   guest.cfg   the guest to make (a file of xl's); none: only the hook is to run
#   hook        what to do while the guest runs
#
# The first serial port has what Xen, this and the hook say; it ends with "rig: hook STATUS", if
# there was a hook, and "rig: end CODE": 0 the guest powered off, 1 rebooted, 3 crashed, 4 was
# destroyed; 123 the hook failed; 124 it took too long; 125 there was no guest.  The second has
# what the guest `guest' prints; that of other guests is in /var/log/xen/console.
export PATH=/bin HOME=/ LD_LIBRARY_PATH=/lib
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
mount -t tmpfs none /run
exec < /dev/null > /dev/hvc0 2>&1
. /job/settings
export GUEST=none NAME=guest IP=10.0.9.2 DOM0=10.0.9.1 OUT=/out

end() {
	[ -z "$out" ] || tar -cf "$out" -C /out .
	echo "rig: end $1"
	sync
	usleep 100000
	# QEMU's isa-debug-exit, by its port.
	printf '\001' | dd of=/dev/port bs=1 seek=244 2> /dev/null
	poweroff -f
}

# Modules of a set; sets may have some in common.
loaded=
load() {
	while read -r module; do
		case " $loaded " in
		*" $module "*) continue ;;
		esac
		insmod "/mod/$module"
		loaded="$loaded $module"
	done < "/mod/$1"
}

store() {
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
}

# A bridge, a web server, and a DHCP server that has one address to give.
network() {
	ip link set lo up
	brctl addbr xenbr0
	ip address add $DOM0/24 dev xenbr0
	ip link set xenbr0 up
	printf '%s\n' "interface xenbr0" "start $IP" "end $IP" "option subnet 255.255.255.0" \
		"option router $DOM0" "option dns $DOM0" "lease_file /run/leases" > /etc/udhcpd.conf
	: > /run/leases
	udhcpd -S /etc/udhcpd.conf
	mkdir -p /www
	echo "hello from domain 0" > /www/index.html
	httpd -p $DOM0:80 -h /www
}

# Name ID Mem VCPUs State Time UUID Reason-Code Label; what is left of a destroyed guest is none.
guest_ended() {
	line=$(xl list -v guest 2> /dev/null | tail -n +2)
	[ -n "$line" ] || line="- - - - d - - 4"
	set -- $line
	reason=$8
	case $5 in
	*s* | *c* | *d*) return 0 ;;
	esac
	return 1
}

hook() { # its output to the log as it comes, and whole to /out
	(
		cd /job || exit 1
		sh ./hook
		echo $? > /run/hook
	) 2>&1 | tee /out/hook.log
	: > /run/hook.done
}

load base
[ "$net" != yes ] || load net
[ "$disks" = 0 ] || load disk
mount -t xenfs none /proc/xen || end 125
mkdir -p /out
store
[ "$net" != yes ] || network
stty -F /dev/ttyS1 raw -echo 115200
ln -s /dev/ttyS1 /var/log/xen/console/guest-guest.log
xenconsoled --log=guest --log-dir=/var/log/xen/console

if [ -f /job/guest.cfg ]; then
	echo "rig: create"
	# -e: nobody cleans up behind the guest, so that it is listed with its end.
	xl create -e /job/guest.cfg || end 125
	GUEST=$(xl domid guest)
fi
if [ -f /job/hook ]; then hook & else : > /run/hook.done; fi
late() { [ "$(cut -d. -f1 /proc/uptime)" -ge "$seconds" ]; }
reason=0
while [ "$GUEST" != none ] && ! guest_ended; do
	[ "$(cat /run/hook 2> /dev/null || echo 0)" = 0 ] || break
	! late || end 124
	timeout 2 xenstore-watch -n 2 @releaseDomain > /dev/null 2>&1
done
until [ -f /run/hook.done ]; do
	! late || end 124
	usleep 100000
done
usleep 300000 # for xenconsoled to write the rest
[ ! -f /job/hook ] || echo "rig: hook $(cat /run/hook)"
[ ! -f /job/hook ] || [ "$(cat /run/hook)" = 0 ] || end 123
end "$reason"
