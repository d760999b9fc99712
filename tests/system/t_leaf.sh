#!/bin/bash
# Calls on the program's own stack: stacks that are not there yet, handlers, signals at the last moment.
. tests/system/lib.sh
native_program leaf
"$work/leaf.native" > "$work/native.log" 2>&1
check_output "on the host" "$work/native.log"
for platform in hw hosted; do
	BAKE_OPTIONS="--platform $platform"
	bake_program leaf
	for cpus in 1 2; do
		run_guest "$work/log.$platform.$cpus" --cpus $cpus "$work/leaf.img"
		check_output "$platform, --cpus $cpus" "$work/log.$platform.$cpus"
		[ "$status" = 0 ] || fail "$platform, --cpus $cpus: status $status"
	done
done
exit $failed
