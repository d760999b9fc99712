#!/bin/bash
# t_faults on a machine, too: drivers, page tables.
# timeout: 600
FAULTS_LONG=1 . tests/system/t_faults.sh
