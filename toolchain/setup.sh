#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Install the packages of packages.list that are missing.  Says nothing and
# needs no privilege when none is; -n only lists them.
set -eu
list=$(dirname "$0")/packages.list
missing=
for p in $(sed 's/[[:space:]]*#.*//' "$list"); do
	dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
if [ "${1:-}" = -n ]; then echo "missing:$missing"; exit 1; fi
echo "setup: installing$missing"
if [ "$(id -u)" -eq 0 ]; then sudo=
elif command -v sudo >/dev/null; then sudo=sudo
else echo "setup: neither root nor sudo: please install these packages yourself" >&2; exit 1; fi
export DEBIAN_FRONTEND=noninteractive
install() { $sudo apt-get install -qq -y --no-install-recommends $missing >/dev/null; }
# A stale or absent package index is the usual reason for the first try to fail.
install 2>/dev/null || { $sudo apt-get update -qq && install; }
