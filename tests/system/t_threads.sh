#!/bin/bash
# Threads on one CPU and on two, on machines and as a process; the test itself on the host's Linux.
. tests/system/lib.sh
native_program threads
"$work/threads.native" > "$work/native.log" 2>&1 || fail "threads fails natively"
check_output native "$work/native.log"
bake_program threads
for cpus in 1 2; do
	run_guest "$work/$cpus.log" --cpus $cpus "$work/threads.img"
	[ "$status" = 0 ] || fail "threads on $cpus CPUs: status $status"
	check_output "$cpus-cpu" "$work/$cpus.log"
done
BAKE_OPTIONS="--platform hosted" bake_program threads
for cpus in 1 2; do
	run_guest "$work/hosted-$cpus.log" --platform hosted --cpus $cpus "$work/threads.img"
	[ "$status" = 0 ] || fail "threads on hosted, $cpus CPUs: status $status"
	check_output "hosted-$cpus" "$work/hosted-$cpus.log"
done
exit $failed
