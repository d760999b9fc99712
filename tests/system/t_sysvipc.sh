#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# System V IPC and memfd.  The host's libc tests the test.
# timeout: 200
. tests/system/lib.sh
program_everywhere sysvipc
exit $failed
