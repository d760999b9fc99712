#!/bin/bash
# Calls that meet on two CPUs, and on four, which are more than most hosts of the tests have.
# timeout: 400
. tests/system/lib.sh
HW_CPUS="1 2 4" program_everywhere races
exit $failed
