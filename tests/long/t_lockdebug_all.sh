#!/bin/bash
# Every program of the kernel's tests under the checks on the use of locks, on one CPU and on two.
# timeout: 3600
LOCKDEBUG_LONG=1 . tests/system/t_lockdebug.sh
