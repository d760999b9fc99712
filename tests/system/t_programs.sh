#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Several programs in one image: started by each other, and at launch.
. tests/system/lib.sh

native_program spawn
native_program helper
"$work/spawn.native" "$work/helper.native" > "$work/native"
check_output native "$work/native"

for p in spawn helper; do
	cross-cc -O2 -Wall -Werror -o "$work/$p.unbaked" "$here/programs/$p.c" || exit 1
done
cp "$work/helper.unbaked" "$work/filter.unbaked"
cp "$work/helper.unbaked" "$work/sh.unbaked"

# log_has NAME LOG LINE
log_has() {
	if tr -d '\r' < "$2" | grep -qaxF -- "$3"; then ok "$1"; else
		fail "$1: no line '$3'"
		tail -n 5 "$2"
	fi
}

# ended NAME STATUS
ended() {
	if [ "$status" = "$2" ]; then ok "$1"; else fail "$1: status $status instead of $2"; fi
}

for platform in hosted hw; do
	kiln bake -p $platform -e WORD=baked "$work"/{spawn,helper,filter}.unbaked -o "$work/$platform.img" > "$work/bake" 2>&1 ||
		{ cat "$work/bake"; fail "$platform: bake"; continue; }
	# A table that may be written would take all constants with it.
	readelf -SW "$work/$platform.img.debug" | grep -qE '[.]kiln[.]programs .* A  ' && ok "$platform: the table is constant" ||
		fail "$platform: the table of programs can be written"
	for cpus in 1 2; do
		run_guest "$work/log" --cpus $cpus -m 32M "$work/$platform.img"
		check_output "$platform $cpus CPUs" "$work/log"
		log=$work/log.launch
		run_guest "$log" --cpus $cpus --start 'helper say one; WORD=mine helper say two | filter copy; helper exit 7' "$work/$platform.img"
		log_has "$platform $cpus CPUs: sequence" "$log" 'one baked'
		log_has "$platform $cpus CPUs: pipe and environment" "$log" 'two mine'
		ended "$platform $cpus CPUs: status of the last" 7
	done
	run_guest "$log" --start 'filter exit 0 & helper say behind &' "$work/$platform.img"
	log_has "$platform: background" "$log" 'behind baked'
	ended "$platform: status without a foreground" 0
	run_guest "$log" --start 'helper crash' "$work/$platform.img"
	ended "$platform: a crash" 139
	kiln bake -p $platform -e SHELL_BAKED=1 "$work"/{spawn,helper,sh}.unbaked -o "$work/sh.img" > "$work/bake" 2>&1 || cat "$work/bake"
	run_guest "$log" -m 32M "$work/sh.img"
	check_output "$platform with a shell" "$log"
	timeout 60 kiln run --net none --start 'helper say up; helper wait; helper exit 3' "$work/$platform.img" > "$log" 2>&1 < /dev/null &
	wait_text "$log" 'up baked' || fail "$platform: it does not start"
	kill -TERM $!
	wait $!
	status=$?
	ended "$platform: SIGTERM ends what runs, nothing is started then" 143
	run_guest "$log" --start 'nosuch' "$work/$platform.img"
	log_has "$platform: no such program" "$log" 'kiln: programs.0: no program nosuch in this image'
	ended "$platform: status of none" 126
done
kiln bake -p hosted --start 'filter say default' "$work"/{spawn,filter}.unbaked -o "$work/default.img" > "$work/bake" 2>&1 || cat "$work/bake"
run_guest "$log" "$work/default.img"
log_has "what bake says is started" "$log" 'default (null)'
out=$(kiln run --dry-run --start "a 'b;c' | d &" "$work/default.img" 2>&1)
grep -qF '{"name":"a","args":["b;c"],"then":"|"},{"name":"d","then":"&"}' <<< "${out//\\/}" && ok "command line" || fail "command line: $out"
for bad in "a |" "| a" "a 'b" "" ";"; do
	kiln run --dry-run --start "$bad" "$work/default.img" > "$work/out" 2>&1 && fail "bad command line '$bad'"
done
exit $failed
