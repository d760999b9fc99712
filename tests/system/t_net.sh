#!/bin/bash
# Images and the host on a wire: QEMU's user network, and a TAP device in a network namespace made here.
# Static addresses and DHCP, ICMP, UDP and TCP, fragments, small MTU, a wire that loses and repeats.
# timeout: 900
. tests/system/lib.sh
host=10.9.0.1 guest=10.9.0.2
MiB=1048576

peer() { python3 $here/netpeer.py "$@" || failed=1; }

# start LOG READY OPTIONS...: a guest in the background, until it prints READY; $pid
start() {
	local log=$1 ready=$2
	shift 2
	kiln run "$@" > "$log" 2>&1 < /dev/null &
	pid=$!
	wait_text "$log" "$ready" 300 && return
	tail -n 5 "$log"
	fail "$(basename "$log" .log): the guest does not start"
	stop
	return 1
}
stop() {
	kill -TERM $pid
	(sleep 5; kill -KILL $pid) 2> /dev/null &
	wait $pid 2> /dev/null
	kill $! 2> /dev/null
}

# pick MACHINE: what to boot, $udp_echo, $netserve, $netinfo, and how, $how; "hosted" is a process.
pick() {
	local p=hw
	how=(--machine "$1")
	[ "$1" = hosted ] && p=hosted how=(--platform hosted)
	udp_echo=$work/$p/udp-echo.img netserve=$work/$p/netserve.img netinfo=$work/$p/netinfo.img
}

# said LABEL LOG TEXT: the guest printed a line that matches TEXT.
said() {
	tr -d '\r' < "$2" | grep -qE "^$3\$" && { ok "$1"; return; }
	cat "$2"
	fail "$1"
}

# info LOG OPTIONS... -- ARGUMENTS: netinfo to its end.
info() {
	local log=$1
	shift
	timeout -k 5 60 kiln run "$@" > "$log" 2>&1 < /dev/null || fail "$(basename "$log"): status $?"
}

user_network() {
	local machine=$1 port
	pick "$machine"
	info "$work/user-$machine.log" "${how[@]}" --dhcp "$netinfo"
	said "$machine user: address by DHCP" "$work/user-$machine.log" "eth0 address 10.0.2.15 mask 255.255.255.0 mtu 1500"
	said "$machine user: name server by DHCP" "$work/user-$machine.log" "resolv.conf: nameserver 10.0.2.3"

	port=$(free_port)
	start "$work/user-udp-$machine.log" udp-echo: "${how[@]}" --dhcp -p "$port:7/udp" "$udp_echo" && {
		peer "$machine user:" 127.0.0.1 udp "$port" 0 1 1472 1473 9000 20000
		stop
	}
	port=$(free_port)
	start "$work/user-tcp-$machine.log" ready "${how[@]}" -p "$port:7" -p "$((port + 1)):9" \
	    -p "$((port + 2)):19" "$netserve" && {
		peer "$machine user:" 127.0.0.1 tcp "$port" $((4 * MiB))
		peer "$machine user:" 127.0.0.1 sink $((port + 1)) $((4 * MiB))
		peer "$machine user:" 127.0.0.1 source $((port + 2))
		stop
	}
}

# One machine, one MTU of the wire.
wire() {
	local machine=$1 mtu=$2 name="$1 mtu $2:"
	pick "$machine"
	local opts=("${how[@]}" --net tap=tap0 --ip $guest/24 --gw $host --dns $host)
	ip link set tap0 mtu "$mtu"
	start "$work/wire-udp-$machine-$mtu.log" udp-echo: "${opts[@]}" "$udp_echo" && {
		peer "$name" $guest udp 7 0 1 500 1472 1473 20000 65507
		peer "$name" $guest unreachable 9999
		stop
	}
	start "$work/wire-tcp-$machine-$mtu.log" ready "${opts[@]}" --cpus 2 "$netserve" || return
	peer "$name" $guest ping 0 1 56 548 549 1472 1473 8000 20000 65507
	# shellcheck disable=SC2046
	peer "$name" $guest closed 1 8 10 21 22 79 81 443 1023 1024 3306 8080 $(seq 40000 40020) 65535
	peer "$name" $guest tcp 7 $((20 * MiB))
	peer "$name" $guest sink 9 $((20 * MiB))
	peer "$name" $guest source 19
	peer "$name after all that:" $guest ping 56
	stop
}

# What is lost, repeated and overtaken on the wire, the streams must not show.
bad_wire() {
	local machine=$1 what
	pick "$machine"
	if tc qdisc add dev tap0 root netem loss 1% duplicate 1% delay 2ms 1ms reorder 25% 2> /dev/null; then
		what="losing, repeating, reordering"
	elif nft add table ip bad 2> /dev/null; then
		what="losing, repeating"
		nft add chain ip bad in '{ type filter hook input priority 0; }'
		nft add rule ip bad in iifname tap0 numgen random mod 100 '<' 1 drop
		nft add chain ip bad out '{ type filter hook postrouting priority 0; }'
		nft add rule ip bad out oifname tap0 numgen random mod 100 '<' 1 drop
		nft add rule ip bad out oifname tap0 numgen random mod 100 '<' 1 dup to $guest device tap0
	else
		echo "skip $machine: a bad wire needs sch_netem or nf_tables"
		return
	fi
	start "$work/bad-$machine.log" ready "${how[@]}" --net tap=tap0 --ip $guest/24 "$netserve" && {
		peer "$machine on a wire $what:" $guest tcp 7 $((20 * MiB))
		peer "$machine on a wire $what:" $guest source 19
		stop
	}
	tc qdisc del dev tap0 root 2> /dev/null
	nft delete table ip bad 2> /dev/null
}

static() {
	local machine=$1 log=$work/static-$1.log
	pick "$machine"
	info "$log" "${how[@]}" --net tap=tap0 --ip 10.9.0.9/20 --gw $host --dns 10.9.0.53 --dns 10.9.0.54 "$netinfo"
	said "$machine static: address" "$log" "eth0 address 10.9.0.9 mask 255.255.240.0 mtu 1500"
	said "$machine static: first name server" "$log" "resolv.conf: nameserver 10.9.0.53"
	said "$machine static: second name server" "$log" "resolv.conf: nameserver 10.9.0.54"
}

# A lease from dnsmasq with all there is in it, renewed after 4 seconds, and names from its DNS.
dhcp() {
	local machine=$1 log=$work/dhcp-$1.log n
	pick "$machine"
	command -v dnsmasq > /dev/null || { fail "dnsmasq is missing: make deps"; return; }
	dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --pid-file= --log-facility=- --log-dhcp \
	    --interface=tap0 --bind-interfaces --no-resolv --no-hosts --local=/bakery.test/ --dhcp-authoritative --no-ping \
	    --dhcp-range=10.9.0.100,10.9.0.110,255.255.255.0,120 --dhcp-leasefile="$work/leases-$machine" \
	    --dhcp-option=option:T1,4 --dhcp-option=option:T2,100 --dhcp-option=option:mtu,1400 \
	    --domain=bakery.test --host-record=oven.bakery.test,10.9.0.77 > "$work/dnsmasq-$machine.log" 2>&1 &
	local server=$!
	wait_text "$work/dnsmasq-$machine.log" "DHCP, IP range" 50 || { cat "$work/dnsmasq-$machine.log"; fail "dnsmasq does not start"; }
	info "$log" "${how[@]}" --net tap=tap0 --hostname loaf "$netinfo" -- 7 oven.bakery.test oven nowhere.bakery.test
	kill $server
	wait $server 2> /dev/null
	said "$machine DHCP: address, mask, MTU" "$log" "eth0 address 10.9.0.1[01][0-9] mask 255.255.255.0 mtu 1400"
	said "$machine DHCP: name server" "$log" "resolv.conf: nameserver $host"
	said "$machine DHCP: domain" "$log" "resolv.conf: search bakery.test"
	said "$machine DNS: a name" "$log" "name oven.bakery.test: 10.9.0.77"
	said "$machine DNS: a name in the domain" "$log" "name oven: 10.9.0.77"
	said "$machine DNS: no such name" "$log" "name nowhere.bakery.test: Name does not resolve"
	n=$(grep -c 'DHCPACK(tap0)' "$work/dnsmasq-$machine.log")
	[ "$n" -ge 2 ] && ok "$machine DHCP: renewed ($n answers)" || fail "$machine DHCP: $n answers"
	n=$(tr -d '\r' < "$log" | grep -c '^eth0 address 10.9.0.1')
	[ "$n" = 2 ] && ok "$machine DHCP: the address stays over renewal" || fail "$machine DHCP: the address goes"
	grep -q ' loaf ' "$work/leases-$machine" && ok "$machine DHCP: host name" || fail "$machine DHCP: no host name in the lease"
}

on_the_wire() {
	set +e
	ip link set lo up
	ip tuntap add tap0 mode tap && ip addr add $host/20 dev tap0 && ip link set tap0 up || { fail "no TAP device"; exit 1; }
	for machine in microvm pc hosted; do
		wire $machine 1500
		wire $machine 576
		ip link set tap0 mtu 1500
		bad_wire $machine
		static $machine
		dhcp $machine
	done
	exit $failed
}

[ "${1:-}" = wire ] && on_the_wire
mkdir -p "$work/root/etc" "$work/hw" "$work/hosted"
for platform in hw hosted; do
	BAKE_OPTIONS="--platform $platform" bake_program netserve
	BAKE_OPTIONS="--platform $platform -r $work/root" bake_program netinfo
	kiln bake --platform $platform -o "$work/udp-echo.img" build/packages/udp-echo/udp-echo > "$work/bake" ||
	    { cat "$work/bake"; fail "udp-echo does not bake for $platform"; exit 1; }
	mv "$work"/*.img "$work/$platform/"
done
for machine in microvm pc; do user_network $machine; done
if unshare -n true 2> /dev/null; then
	unshare -n "$0" wire || failed=1
elif unshare -rn sh -c 'ip tuntap add tap0 mode tap' 2> /dev/null; then
	unshare -rn "$0" wire || failed=1
else
	echo "skip a wire with TAP: network namespaces or TAP devices are not permitted here"
fi
exit $failed
