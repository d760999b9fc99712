#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# System V IPC and memfd.  The host's libc tests the test.
# timeout: 200
. tests/system/lib.sh
native_program sysvipc
"$work/sysvipc.native" > "$work/native" 2>&1
check_output "native" "$work/native"
bake_program sysvipc
for cpus in 1 2; do
	run_guest "$work/hw.$cpus" --cpus $cpus "$work/sysvipc.img"
	check_output "on $cpus" "$work/hw.$cpus"
	[ "$status" = 0 ] || fail "sysvipc on $cpus: status $status"
done
BAKE_OPTIONS="--platform hosted"
bake_program sysvipc
run_guest "$work/hosted" --cpus 2 "$work/sysvipc.img"
check_output "hosted" "$work/hosted"
[ "$status" = 0 ] || fail "hosted sysvipc: status $status"
exit $failed
