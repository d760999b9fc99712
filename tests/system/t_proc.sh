#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# /proc and /sys.  The host's libc tests the test.
# timeout: 200
. tests/system/lib.sh
program_everywhere proc -Wno-unused-result
exit $failed
