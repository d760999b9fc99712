#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The libc port above a kernel: cancellation, restarted calls, thread-local data.
# The program runs on the host's libc first, which tests the test.
# timeout: 400
. tests/system/lib.sh
native_program cancel -Wno-unused-result
"$work/cancel.native" > "$work/native" 2>&1
check_output "native" "$work/native"
bake_program cancel -Wno-unused-result
for cpus in 1 2; do
	GUEST_SECONDS=120 run_guest "$work/hw.$cpus" --cpus $cpus "$work/cancel.img"
	check_output "on $cpus" "$work/hw.$cpus"
done
BAKE_OPTIONS="--platform hosted"
bake_program cancel -Wno-unused-result
run_guest "$work/hosted" --cpus 2 "$work/cancel.img"
check_output "hosted" "$work/hosted"
exit $failed
