#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# POSIX message queues.  The host's libc tests the test.
# timeout: 200
. tests/system/lib.sh
native_program mqueue -lrt
"$work/mqueue.native" > "$work/native" 2>&1
check_output "native" "$work/native"
bake_program mqueue
for cpus in 1 2; do
	run_guest "$work/hw.$cpus" --cpus $cpus "$work/mqueue.img"
	check_output "on $cpus" "$work/hw.$cpus"
	[ "$status" = 0 ] || fail "mqueue on $cpus: status $status"
done
BAKE_OPTIONS="--platform hosted"
bake_program mqueue
run_guest "$work/hosted" --cpus 2 "$work/mqueue.img"
check_output "hosted" "$work/hosted"
[ "$status" = 0 ] || fail "hosted mqueue: status $status"
exit $failed
