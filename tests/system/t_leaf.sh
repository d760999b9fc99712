#!/bin/bash
# Calls on the program's own stack: stacks that are not there yet, handlers, signals at the last moment.
. tests/system/lib.sh
program_everywhere leaf
exit $failed
