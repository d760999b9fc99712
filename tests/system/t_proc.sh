#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# /proc and /sys.  The host's libc tests the test.
# timeout: 200
. tests/system/lib.sh
native_program proc -Wno-unused-result
"$work/proc.native" > "$work/native" 2>&1
check_output "native" "$work/native"
bake_program proc -Wno-unused-result
for cpus in 1 2; do
	run_guest "$work/hw.$cpus" --cpus $cpus "$work/proc.img"
	check_output "on $cpus" "$work/hw.$cpus"
	[ "$status" = 0 ] || fail "proc on $cpus: status $status"
done
BAKE_OPTIONS="--platform hosted"
bake_program proc -Wno-unused-result
run_guest "$work/hosted" --cpus 2 "$work/proc.img"
check_output "hosted" "$work/hosted"
[ "$status" = 0 ] || fail "hosted proc: status $status"
exit $failed
