#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Locked memory.  The host's libc tests the test.
# timeout: 200
. tests/system/lib.sh
native_program mlock
"$work/mlock.native" > "$work/native" 2>&1
check_output "native" "$work/native"
bake_program mlock
for cpus in 1 2; do
	run_guest "$work/hw.$cpus" --cpus $cpus "$work/mlock.img"
	check_output "on $cpus" "$work/hw.$cpus"
	[ "$status" = 0 ] || fail "mlock on $cpus: status $status"
done
BAKE_OPTIONS="--platform hosted"
bake_program mlock
run_guest "$work/hosted" --cpus 2 "$work/mlock.img"
check_output "hosted" "$work/hosted"
[ "$status" = 0 ] || fail "hosted mlock: status $status"
exit $failed
