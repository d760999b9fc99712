#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Clocks of CPU time, and clocks that are set, but not the host's.
# timeout: 200
. tests/system/lib.sh
native_program clocks -lrt
"$work/clocks.native" > "$work/native" 2>&1
check_output "native" "$work/native"
bake_program clocks
for cpus in 1 2; do
	run_guest "$work/hw.$cpus" --cpus $cpus "$work/clocks.img" -- set
	check_output "on $cpus" "$work/hw.$cpus"
	[ "$status" = 0 ] || fail "clocks on $cpus: status $status"
done
BAKE_OPTIONS="--platform hosted"
bake_program clocks
run_guest "$work/hosted" --cpus 2 "$work/clocks.img" -- set
check_output "hosted" "$work/hosted"
[ "$status" = 0 ] || fail "hosted clocks: status $status"

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
