#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Clocks of CPU time, and clocks that are set, but not the host's.
# timeout: 200
. tests/system/lib.sh
ARGUMENTS=set program_everywhere clocks -lrt

# A program with descriptors but no names of files: it has a root all the same.
cat > "$work/nameless.c" <<'C'
#include <stdio.h>
#include <unistd.h>
int main(void)
{
	char buf[64];
	int refused = fsync(-1);

	puts(refused == -1 && getcwd(buf, sizeof(buf)) ? buf : "no folder");
	return 0;
}
C
cross-cc -O2 -o "$work/nameless" "$work/nameless.c"
kiln bake --platform hosted "$work/nameless" -o "$work/nameless.img" > "$work/nameless.bake" 2>&1
run_guest "$work/nameless.log" "$work/nameless.img"
if [ "$(tr -d '\r' < "$work/nameless.log")" = / ]; then
	ok "a program that names no file starts"
else
	fail "a program that names no file: $(tail -n 2 "$work/nameless.log")"
fi
exit $failed
