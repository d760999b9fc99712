#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Locked memory.  The host's libc tests the test.
# timeout: 200
. tests/system/lib.sh
program_everywhere mlock
exit $failed
