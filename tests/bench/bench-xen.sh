#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# bench-xen.sh: Kiln's figures on Xen beside a Linux guest's, in one run of the rig (tests/xen).
#
# Everything is emulated, and one processor is shared by domain 0, where the clock and the clients are,
# and the guest: ratios of one run say something, figures of different runs don't.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=build/bench/xen
linux=build/bench/linux
rig=build/xen-rig
rows=$out/figures.txt
kiln=build/bin/kiln
mkdir -p "$out"
: > "$rows"

# row WHAT REACHED BAR COMMAND
row() {
	printf '%s|%s|%s|%s\n' "$1" "$2" "$3" "$4" >> "$rows"
	printf '   %-58s %-14s bar %s\n' "$1" "$2" "$3" >&2
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", (b > 0) ? a / b : 0 }'; }
# median of the lines "KEY VALUE" in the hook's output
median() { awk -v k="$1" '$1 == k { print $2 }' "$out/run/hook.log" | sort -n | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : 0 }'; }

[ -f "$linux/nginx-xen.cpio" ] || tests/bench/linux/build.sh "$linux" \
    build/packages/nginx/root/etc/nginx/nginx.conf build/packages/nginx/root/var/www/html/index.html >&2
tests/xen/rig.sh "$rig" >&2
gcc -O2 -Wall -Wextra -static -o "$out/xentime" tests/bench/xentime.c
for p in xen xen-pv; do
	$kiln bake --platform $p -o "$out/hello.$p.img" build/packages/hello/hello > /dev/null
	$kiln bake --platform $p --root build/packages/nginx/root -o "$out/nginx.$p.img" build/packages/nginx/nginx > /dev/null
done
cp $linux/vmlinuz $linux/hello.cpio $linux/nginx-xen.cpio "$out/"

cat > "$out/hook" <<- 'END'
	net='{"net":{"if":[{"mode":"static","address":"10.0.9.2/24","gateway":"10.0.9.1"}]}}'
	# config NAME TYPE KERNEL MEMORY CMDLINE [LINE...]
	config() {
		name=$1
		# Without a UUID xl waits for random numbers, for seconds.
		printf '%s\n' "uuid='00000000-0000-4000-8000-00000000000$((id = (id + 1) % 10))'" "name='$1'" "type='$2'" \
			"kernel='/job/$3'" "memory=$4" "maxmem=$4" "cmdline='$5'" > /tmp/$1.cfg
		shift 5
		[ $# = 0 ] || printf '%s\n' "$@" >> /tmp/$name.cfg
	}
	vif="vif=['bridge=xenbr0,mac=00:16:3e:00:00:02']"
	answers() { # SECONDS
		n=0
		until curl -s -f -m 1 -o /dev/null http://10.0.9.2/; do
			n=$((n + 1))
			[ $n -lt "$1" ] || return 1
			sleep 0.5
		done
	}
	id=0
	# boot KEY NAME: one create to the first line, timed
	boot() {
		ms=$(xentime $2 /tmp/$2.cfg "Hello, world" 90) && echo "$1 $ms"
		sleep 1
		xl destroy $2 > /dev/null 2>&1
	}
	for i in 1 2 3; do
		for p in xen xen-pv; do
			config hello ${p/xen-pv/pv} hello.$p.img 64 "{}"
			sed -i "s/type='xen'/type='pvh'/" /tmp/hello.cfg
			boot boot.$p hello
		done
		[ $i = 3 ] && continue
		config hello pvh vmlinuz 256 "console=hvc0 quiet loglevel=3 panic=-1" "ramdisk='/job/hello.cpio'"
		boot boot.linux hello
	done
	# least KEY NAME TYPE KERNEL CMDLINE SIZES [LINE]: the first of SIZES with which it works
	least() {
		key=$1 type=$2 kernel=$3 cmdline=$4 sizes=$5
		shift 5
		for m in $sizes; do
			# Of its own accord xl gives so small a guest less for page tables than Xen wants.
			config least $type $kernel $m "$cmdline" shadow_memory=1 "$@"
			ok=
			if [ $# = 0 ]; then
				xentime least /tmp/least.cfg "Hello, world" 15 > /dev/null 2>&1 && ok=1
			else
				xl create -q -e /tmp/least.cfg > /dev/null 2>&1 && answers 15 && ok=1
			fi
			xl destroy least > /dev/null 2>&1
			[ -n "$ok" ] && echo "$key $m" && return
		done
	}
	least least.hello pvh hello.xen.img "{}" "2 3 4 5 6 8"
	least least.nginx pvh nginx.xen.img "$net" "6 8 9 10 11 12 14 16" "$vif"
	# requests KEY TYPE KERNEL CMDLINE [LINE]
	requests() {
		key=$1
		config nginx $2 $3 256 "$4" "$vif" "$5"
		xl create -q -e /tmp/nginx.cfg || return
		answers 60 || { echo "$key: no answer"; tail /var/log/xen/console/guest-nginx.log; }
		for c in 1 16; do
			wrk -t1 -c$c -d1s http://10.0.9.2/ > /dev/null
			wrk -t1 -c$c -d5s http://10.0.9.2/ > /tmp/wrk
			awk -v k=$key.$c '/Requests.sec/ { print k, $2 } /Socket errors|Non-2xx/ { print k ":", $0 }' /tmp/wrk
		done
		xl destroy nginx
		sleep 1
	}
	for i in 1 2; do
		requests requests.xen pvh nginx.xen.img "$net"
		requests requests.xen-pv pv nginx.xen-pv.img "$net"
		requests requests.linux pvh vmlinuz "console=hvc0 quiet loglevel=3 panic=-1" "ramdisk='/job/nginx-xen.cpio'"
	done
END
files=()
for f in hello.xen.img hello.xen-pv.img nginx.xen.img nginx.xen-pv.img vmlinuz hello.cpio nginx-xen.cpio; do files+=(-f "$out/$f"); done
rm -rf "$out/run"
XEN_LOG=$out/log XEN_SECONDS=${XEN_SECONDS:-900} tests/xen/run.sh -n -h "$out/hook" -x "$out/xentime" -x curl -x wrk \
    "${files[@]}" -o "$out/run" "$rig" - || { tail -n 20 "$out/log" >&2; echo "bench-xen: the rig failed" >&2; }
grep -v '^[a-z.]*[a-z0-9-] [0-9.]*$' "$out/run/hook.log" >&2 || true

row "hello image, PVH" "$(stat -c %s $out/hello.xen.img) bytes" "<= 92160" "stat -c %s hello.xen.img"
row "hello image, PV" "$(stat -c %s $out/hello.xen-pv.img) bytes" "<= 92160" "stat -c %s hello.xen-pv.img"
l=$(median boot.linux)
for p in xen xen-pv; do
	k=$(median boot.$p)
	row "xl create to main(), hello on $p ($k ms; Linux $l ms)" "1/$(ratio "$l" "$k")" "<= 1/6" "xentime hello CONFIG 'Hello, world'"
done
row "hello: least memory=" "$(median least.hello) MiB" "<= 4" "xl create, memory= and maxmem="
row "nginx: least memory=" "$(median least.nginx) MiB" "<= 12" "the same, and an answer by HTTP"
for c in 1 16; do
	l=$(median requests.linux.$c)
	for p in xen xen-pv; do
		k=$(median requests.$p.$c)
		row "nginx requests/s, $c connections, $p ($k; Linux $l)" "$(ratio "$k" "$l") x" ">= 1.5 x" "wrk -t1 -c$c -d5s, in domain 0"
	done
done
echo
echo "what | reached | bar | command"
cat "$rows"
echo
echo "(kept in $rows)"
