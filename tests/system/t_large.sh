#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Large pages, and what is done to parts of them.  The host's libc tests the test.
# timeout: 200
. tests/system/lib.sh
program_everywhere large
exit $failed
