#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# headers.sh FROM TO LIST
# Make the headers below TO those below FROM, and write only what differs: what was
# compiled with the others stays as it is.  LIST holds the names put there the last
# time; of these go those that FROM has no more.
set -eu
from=$1 to=$2 list=$3
(cd "$from" && find . -type f | LC_ALL=C sort) > "$list.new"
if [ -f "$list" ]; then
	LC_ALL=C comm -23 "$list" "$list.new" | while read -r f; do rm -f "$to/$f"; done
fi
while read -r f; do
	cmp -s "$from/$f" "$to/$f" && continue
	mkdir -p "$to/${f%/*}"
	cp "$from/$f" "$to/$f"
done < "$list.new"
mv "$list.new" "$list"
