#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The libc port above a kernel: cancellation, restarted calls, thread-local data.
# The program runs on the host's libc first, which tests the test.
# timeout: 400
. tests/system/lib.sh
GUEST_SECONDS=120 program_everywhere cancel -Wno-unused-result
exit $failed
