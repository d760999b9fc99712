#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# POSIX message queues.  The host's libc tests the test.
# timeout: 200
. tests/system/lib.sh
program_everywhere mqueue -lrt
exit $failed
