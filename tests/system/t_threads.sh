#!/bin/bash
# Threads on one CPU and on two, on machines and as a process; the test itself on the host's Linux.
. tests/system/lib.sh
program_everywhere threads
exit $failed
