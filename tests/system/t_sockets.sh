#!/bin/bash
# Sockets over loopback and unix-domain names, on one CPU and on two, on machines and as a process; the
# test itself on the host's Linux.
# timeout: 900
. tests/system/lib.sh
GUEST_SECONDS=200
sources=()
for part in tcp options events dgram unix unixroom names many; do sources+=("$here/programs/sockets_$part.c"); done

native_program sockets -D_GNU_SOURCE "${sources[@]}"
timeout 200 "$work/sockets.native" > "$work/native.log" 2>&1 || fail "sockets fails natively"
check_output native "$work/native.log"

mkdir -p "$work/root/etc" "$work/root/tmp"
printf '127.0.0.1\tlocalhost\n# a comment\n192.0.2.33\tbakery  oven\n' > "$work/root/etc/hosts"
for platform in hw hosted; do
	BAKE_OPTIONS="--platform $platform -r $work/root -e HOSTS_NAME=oven -e HOSTS_ADDRESS=192.0.2.33"
	bake_program sockets -D_GNU_SOURCE "${sources[@]}"
	for cpus in 1 2; do
		run_guest "$work/$platform-$cpus.log" --platform $platform --cpus $cpus "$work/sockets.img" -- guest
		[ "$status" = 0 ] || fail "sockets on $platform, $cpus CPUs: status $status"
		check_output "$platform-$cpus" "$work/$platform-$cpus.log"
	done
done
exit $failed
