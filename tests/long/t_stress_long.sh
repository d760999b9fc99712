#!/bin/bash
# t_stress for a minute each, on everything.
# timeout: 1800
STRESS_SECONDS=60 . tests/system/t_stress.sh
