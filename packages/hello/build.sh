#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
set -eu
cross-cc -O2 -Wall -o "$2/hello" "$1/hello.c"
