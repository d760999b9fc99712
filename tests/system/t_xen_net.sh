#!/bin/bash
# The network of Xen's guests, seen from domain 0: addresses, both protocols, much data both ways, more
# than one queue, a back end that goes and comes back.
# timeout: 1200
# XEN_TYPE=pv has the same of PV guests: t_xenpv_net.sh.
. tests/system/lib.sh
platform=xen type=${XEN_TYPE:-pvh}
[ "$type" = pv ] && platform=xen-pv
xen_rig
vif="vif=['bridge=xenbr0,mac=00:16:3e:00:00:02']"
static="cmdline='"'{"net":{"if":[{"mode":"static","address":"10.0.9.2/24"}]}}'"'"

# in_dom0 NAME STATUS RUN.SH-ARGUMENTS...: the hook, whose "ok" and "FAIL" lines are results.
in_dom0() {
	local name=$1 want=$2
	shift 2
	log=$work/$name.log
	XEN_SECONDS=${XEN_SECONDS:-240} XEN_LOG=$log.xen tests/xen/run.sh -h "$work/hook" -f "$work/lib" "$@" > "$log"
	status=$?
	tr -d '\r' < "$log.xen" | grep -E '^(ok|FAIL) ' | sed -E "s/^(ok|FAIL) /\1 $name: /"
	! grep -q '^FAIL ' "$log.xen" || failed=1
	[ "$status" = "$want" ] && ok "$name: ends with status $want" || {
		tail -n 5 "$log"
		tail -n 20 "$log.xen"
		fail "$name: status $status"
	}
}
# What hooks have in common.
cat > "$work/lib" <<- 'END'
	result() { # STATUS NAME
		if [ "$1" = 0 ]; then echo "ok $2"; else echo "FAIL $2"; bad=1; fi
	}
	bad=0
	answers() { # COMMAND...: it succeeds, within a while
		tries=0
		until "$@" > /dev/null 2>&1; do
			tries=$((tries + 1))
			[ $tries -lt 40 ] || return 1
			usleep 250000
		done
	}
	sum() { sha256sum | cut -c1-64; }
END

# A TCP server of ours, its address from DHCP; the back end restarts in the middle.
python3 - "$work/pattern" <<- 'END'
	import sys
	open(sys.argv[1], "wb").write(bytes((n * 7 + (n >> 8) + (n >> 16)) & 255 for n in range(8 << 20)))
END
echo "$(sha256sum < "$work/pattern" | cut -c1-64)" > "$work/pattern.sum"
cat > "$work/hook" <<- 'END'
	. ./lib
	answers ping -c 1 -W 1 $IP
	result $? "an address from DHCP"
	ping -c 3 -i 0.2 -s 1400 $IP | grep -q " 0% packet loss"
	result $? "large pings"
	head -c 600000 /bin/busybox > /run/file
	there_and_back() {
		nc $IP 7 < /run/file | cmp -s - /run/file
		result $? "a file to the guest and back$1"
	}
	[ "$(nc $IP 19 < /dev/null | sum)" = "$(cat pattern.sum)" ]
	result $? "8 MiB from the guest"
	there_and_back ""
	back=/sys/bus/xen-backend/drivers/vif
	echo vif-$GUEST-0 > $back/unbind
	xenstore-write /local/domain/0/backend/vif/$GUEST/0/online 1
	sleep 1
	! ping -c 1 -W 1 $IP > /dev/null
	result $? "no answer without a back end"
	echo vif-$GUEST-0 > $back/bind
	vif=vif$GUEST.0 XENBUS_PATH=backend/vif/$GUEST/0 sh /etc/xen/scripts/vif-bridge online
	answers ping -c 1 -W 1 $IP
	result $? "answers when the back end is there again"
	there_and_back ", after that"
	echo quit | timeout 3 nc $IP 7
	exit $bad
END
BAKE_OPTIONS="--platform $platform"
bake_program netserve
in_dom0 dhcp 0 -f "$work/pattern.sum" "$rig" "$work/netserve.img" "$vif" "type='$type'"

# Datagrams.
cat > "$work/hook" <<- 'END'
	. ./lib
	answers ping -c 1 -W 1 $IP
	result $? "a static address"
	n=$(echoes $IP 7 300 2>&1)
	result $? "datagrams: $n"
	xl network-detach $GUEST 0 && ! ping -c 1 -W 1 $IP > /dev/null
	result $? "taken away"
	xl network-attach $GUEST bridge=xenbr0 mac=00:16:3e:00:00:02 && answers ping -c 1 -W 1 $IP
	result $? "and given back"
	xl shutdown -w guest
	exit $bad
END
kiln bake --platform $platform build/packages/udp-echo/udp-echo -o "$work/udp-echo.img" > "$work/bake" || fail "bake: $(cat "$work/bake")"
gcc -O2 -static -Wall -Werror -o "$work/echoes" $here/programs/echoes.c || exit 1
in_dom0 udp-echo 0 -x "$work/echoes" "$rig" "$work/udp-echo.img" "$vif" "$static" "type='$type'"

# nginx on two CPUs with two queues, which domain 0 has only on request.
cp -r build/packages/nginx/root "$work/root"
cp "$work/pattern" "$work/root/var/www/html/pattern"
kiln bake --platform $platform -r "$work/root" build/packages/nginx/nginx -o "$work/nginx.img" > "$work/bake" || fail "bake: $(cat "$work/bake")"
gcc -O2 -static -Wall -Werror -D_GNU_SOURCE -o "$work/flood" $here/programs/flood.c || exit 1
printf '%s\n' "name='two'" "type='$type'" "kernel='/job/nginx.img'" "memory=64" "maxmem=64" "vcpus=2" "$vif" "$static" > "$work/two.cfg"
cat > "$work/hook" <<- 'END'
	. ./lib
	echo 2 > /sys/module/xen_netback/parameters/max_queues
	xl create two.cfg || exit 1
	GUEST=$(xl domid two)
	answers wget -q -O /run/page http://$IP/
	cmp -s /run/page index.html
	result $? "a page"
	queues=$(ls -d /sys/class/net/vif$GUEST.0/queues/rx-* | wc -l)
	[ "$queues" = 2 ]
	result $? "$queues queues"
	[ "$(wget -q -O - http://$IP/pattern | sum)" = "$(cat pattern.sum)" ]
	result $? "8 MiB by sendfile"
	n=$(flood 80 300 16 $IP)
	result $? "300 connections: $n"
	grep vif$GUEST /proc/interrupts
	xl shutdown -w two
	exit $bad
END
in_dom0 nginx 0 -n -x "$work/flood" -f "$work/nginx.img" -f "$work/two.cfg" -f "$work/pattern.sum" \
	-f packages/nginx/root/var/www/html/index.html "$rig" -
exit $failed
