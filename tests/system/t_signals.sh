#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Signals, their frames, and the timers that send them.  The host's libc tests the test.
# timeout: 400
. tests/system/lib.sh
GUEST_SECONDS=120 program_everywhere signals -Wno-unused-result
exit $failed
