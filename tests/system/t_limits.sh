#!/bin/bash
# Memory that runs out, calls that are not there.
. tests/system/lib.sh
bake_program exhaust
bake_program enosys

for cpus in 1 2; do
	GUEST_SECONDS=120 run_guest "$work/exhaust.log" -m 16M --cpus $cpus "$work/exhaust.img"
	[ "$status" = 0 ] || fail "exhaust on $cpus CPUs: status $status"
	check_output "$cpus-cpu" "$work/exhaust.log"
done

run_guest "$work/enosys.log" "$work/enosys.img"
[ "$status" = 0 ] || fail "enosys: status $status"
check_output enosys "$work/enosys.log"
n=$(grep -ac 'kiln:.*fork' "$work/enosys.log")
[ "$n" = 1 ] && ok "the missing call is named once" || fail "the missing call is named $n times"
exit $failed
