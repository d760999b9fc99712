#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
set -eu
cross-cc -O2 -Wall -o "$2/udp-echo" "$1/udp-echo.c"
