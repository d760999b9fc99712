#!/bin/bash
# Guests of Xen, in an emulated machine with a control domain of its own.
# timeout: 900
# XEN_TYPE=pv has the same of PV guests: t_xenpv_rig.sh.
. tests/system/lib.sh
platform=xen type=${XEN_TYPE:-pvh}
[ "$type" = pv ] && platform=xen-pv
xen_rig

# xen NAME IMAGE STATUS [LINE...]: log in $log; run.sh gets $options, too
options=()
xen() {
	local name=$1 image=$2 want=$3
	shift 3
	log=$work/${name// /-}.log
	XEN_LOG=$log.xen tests/xen/run.sh "${options[@]}" "$rig" "$image" "type='$type'" "$@" > "$log"
	status=$?
	[ "$status" = "$want" ] && return
	tail -n 5 "$log"
	tail -n 20 "$log.xen"
	fail "$name: status $status"
	return 1
}
contains() { if grep -qa -- "$2" "$log"; then ok "$1"; else fail "$1: $(tail -n 3 "$log")"; fi; }

# The rig itself: what a hook says and leaves, and what it writes to a disk, comes back.
cat > "$work/hook" <<- 'END'
	wget -q -O "$OUT/page" "http://$DOM0/"
	cat words
	printf 'written' | dd of=/dev/vda conv=notrunc
	exit 5
END
echo "from a file" > "$work/words"
printf 'the disk of a domain' > "$work/disk"
truncate -s 1M "$work/disk"
XEN_LOG=$work/hook.log tests/xen/run.sh -n -h "$work/hook" -f "$work/words" -d "$work/disk" -o "$work/out" "$rig" -
status=$?
if [ $status = 123 ] && grep -q '^rig: hook 5' "$work/hook.log" && grep -q '^from a file' "$work/out/hook.log" &&
	grep -q domain "$work/out/page" && [ "$(head -c 13 "$work/disk")" = "writtenk of a" ]; then
	ok "the rig's hook"
else
	tail -n 20 "$work/hook.log"
	fail "the rig's hook: status $status, disk $(head -c 20 "$work/disk")"
fi

BAKE_OPTIONS="--platform $platform"
bake_program status
xen "a program's end" "$work/status.img" 0 && contains "a program's end" "^ending: 0"
xen "arguments" "$work/status.img" 3 "cmdline='"'{"args":["abort"]}'"'" && {
	contains "arguments" "^ending: abort"
	contains "a crash is one to Xen" "fatal signal 6 (SIGABRT)"
	contains "a crash has a backtrace" "^kiln:  #0 image+"
}
# What xl asks for is a signal to the program, and the reason of its end.
wish() { # NAME STATUS ARGUMENT COMMAND...
	local name=$1 want=$2 argument=$3
	shift 3
	printf '%s\n' "sleep 2" "$* || exit 1" "[ -z \"\$(xenstore-read /local/domain/\$GUEST/control/shutdown)\" ]" > "$work/hook"
	options=(-h "$work/hook")
	xen "$name" "$work/status.img" "$want" "cmdline='{\"args\":[\"$argument\"]}'"
	local result=$?
	options=()
	return $result
}
wish "xl shutdown" 0 term xl shutdown -w guest && contains "xl shutdown is SIGTERM" "^ending: SIGTERM"
wish "xl reboot" 1 term xl reboot -w guest && contains "xl reboot is SIGTERM" "^ending: SIGTERM"
wish "xl shutdown of a program without a handler" 0 sleep xl shutdown -w guest && ok "a death that was asked for is no crash"

# Memory: less than it may have from the start, which it must not use; more and less later.  A PV guest never has
# more than from the start.
bake_program exhaust
xen "a program that takes all memory" "$work/exhaust.img" 0 memory=20 maxmem=64 && ok "memory that is not there is not used"
cat > "$work/hook" <<- 'END'
	has() {
		for n in 1 2 3 4 5 6 7 8 9 10; do
			[ "$(xl list guest | awk 'NR == 2 { print $3 }')" = "$1" ] && return
			usleep 500000
		done
		xl list
		return 1
	}
	for m in 32 24 63 8 64; do
		xl mem-set guest $m
		has $m || exit 1
	done
	xl shutdown -w guest
END
options=(-h "$work/hook")
[ "$type" = pv ] && start=64 || start=32
xen "xl mem-set" "$work/status.img" 0 memory=$start maxmem=64 "cmdline='"'{"args":["sleep"]}'"'" && ok "xl mem-set"
options=()

# A back end that is restarted under the guest, and one that is taken away and given again.
bake_program netserve
cat > "$work/hook" <<- 'END'
	answers() {
		for n in 1 2 3 4 5 6 7 8; do ping -c 1 -W 2 "$IP" > /dev/null && return; done
		return 1
	}
	vif=vif-$GUEST-0
	answers || exit 1
	cd /sys/bus/xen-backend/drivers/vif
	printf "$vif" > unbind
	sleep 1
	! ping -c 1 -W 1 "$IP" > /dev/null || exit 2
	printf "$vif" > bind
	until brctl addif xenbr0 "vif$GUEST.0"; do usleep 200000; done 2> /dev/null
	ip link set "vif$GUEST.0" up
	answers || exit 3
	xl network-detach guest 0
	xl network-attach guest bridge=xenbr0 mac=00:16:3e:00:00:02
	answers || exit 4
	xl shutdown -w guest
END
options=(-h "$work/hook")
xen "back ends that restart" "$work/netserve.img" 0 "vif=['bridge=xenbr0,mac=00:16:3e:00:00:02']" &&
	if grep -a '^kiln: device' "$log"; then fail "back ends that restart: it complains"; else ok "back ends that restart"; fi
options=()

bake_program threads
XEN_SECONDS=240 xen "threads on two CPUs" "$work/threads.img" 0 vcpus=2 && check_output "two CPUs" "$log"

# What is typed; two processors, for it comes by an event channel.
BAKE_OPTIONS="--platform $platform"
bake_program cat
printf 'a line\nand another\n\020\004' > "$work/input"
echo 'cat input > "$(xenstore-read "/local/domain/$GUEST/console/tty")"' > "$work/type"
options=(-h "$work/type" -f "$work/input")
xen "console input" "$work/cat.img" 0 vcpus=2 "cmdline='"'{"console":{"input":"pipe"}}'"'" && contains "console input" "^and another"
options=()

# An image for any platform, which finds out that this is Xen; not as a PV guest, for they begin in other ways.
[ "$type" = pv ] && any=$platform || any=any
kiln bake --platform $any --root build/packages/nginx/root -o "$work/any.img" build/packages/nginx/nginx > "$work/any.bake" || cat "$work/any.bake"
cat > "$work/hook" <<- 'END'
	for n in 1 2 3 4 5 6 7 8; do wget -q -O page "http://$IP/" && break; sleep 1; done
	cmp page index.html || exit 1
	xl shutdown -w guest
END
options=(-h "$work/hook" -f packages/nginx/root/var/www/html/index.html)
xen "platform $any" "$work/any.img" 0 "vif=['bridge=xenbr0,mac=00:16:3e:00:00:02']" && ok "platform $any is Xen, too"
options=()
exit $failed
