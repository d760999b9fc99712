#!/bin/bash
# Calls that meet on two CPUs, and on four, which are more than most hosts of the tests have.
# timeout: 400
. tests/system/lib.sh
native_program races
"$work/races.native" > "$work/native.log" 2>&1 || fail "races fails natively"
check_output native "$work/native.log"
bake_program races
for cpus in 1 2 4; do
	run_guest "$work/$cpus.log" --cpus $cpus "$work/races.img"
	[ "$status" = 0 ] || fail "races on $cpus CPUs: status $status"
	check_output "$cpus-cpu" "$work/$cpus.log"
done
BAKE_OPTIONS="--platform hosted" bake_program races
run_guest "$work/hosted-2.log" --platform hosted --cpus 2 "$work/races.img"
[ "$status" = 0 ] || fail "races on hosted, 2 CPUs: status $status"
check_output "hosted-2" "$work/hosted-2.log"
exit $failed
