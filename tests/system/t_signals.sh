#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Signals, their frames, and the timers that send them.  The host's libc tests the test.
# timeout: 400
. tests/system/lib.sh
native_program signals -Wno-unused-result
"$work/signals.native" > "$work/native" 2>&1
check_output "native" "$work/native"
bake_program signals -Wno-unused-result
for cpus in 1 2; do
	GUEST_SECONDS=120 run_guest "$work/hw.$cpus" --cpus $cpus "$work/signals.img"
	check_output "on $cpus" "$work/hw.$cpus"
	[ "$status" = 0 ] || fail "signals on $cpus: status $status"
done
BAKE_OPTIONS="--platform hosted"
bake_program signals -Wno-unused-result
run_guest "$work/hosted" --cpus 2 "$work/signals.img"
check_output "hosted" "$work/hosted"
[ "$status" = 0 ] || fail "hosted signals: status $status"
exit $failed
