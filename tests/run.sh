#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [unit|fuzz|component|system|lint|long]... [FILE]...
#
# Runs tests and sums them up.  Every test file, whatever it is, comes down to
# lines in a log: "ok NAME", "FAIL NAME why", "skip NAME why".
#   unit       Check programs; their TAP log is translated
#   fuzz       libFuzzer targets, FUZZ_SECONDS each, with the corpus of tests/fuzz/corpus/NAME
#   component, system, lint, long   scripts that print these lines themselves; long ones only if asked for
# A script fails, besides by a FAIL line, by its exit status, by its time limit
# (a line "# timeout: SECONDS" in its head, 300 by default) and by saying nothing.
# Two files run at a time; one with the line "# alone" in its head runs with no
# other.  Logs stay in build/tests/log, or in $TEST_LOGS.  The last line is "N passed, N failed".
# An interrupted run takes all that it has started with it.
set -u
cd "$(dirname "$0")/.." || exit 2
logs=${TEST_LOGS:-build/tests/log}
mkdir -p "$logs" build/tests/work
export LC_ALL=C
export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=1:detect_stack_use_after_return=1:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
fuzz_seconds=${FUZZ_SECONDS:-10}
PATH=$PWD/build/bin:$PATH

# The sanitizers' shadow does not like every address-space layout.
fixed=
setarch "$(uname -m)" -R true 2>/dev/null && fixed="setarch $(uname -m) -R"

run_unit() { # FILE LOG
	local name tap
	name=$(basename "$1") tap=$2.tap
	rm -f "$tap"
	CK_TAP_LOG_FILE_NAME=$tap timeout -k 5 "$3" $fixed "$1" >>"$2" 2>&1
	local status=$?
	[ -f "$tap" ] && sed -nE -e "s|^ok [0-9]+ - [^:]*:[^:]*:([^:]*):.*|ok $name \1|p" \
	    -e "s|^not ok [0-9]+ - ([^:]*):([^:]*):([^:]*):(.*)|FAIL $name \3:\4 (\1)|p" "$tap" >>"$2"
	if [ $status -ne 0 ] && ! grep -q '^FAIL ' "$2"; then echo "FAIL $name exit status $status" >>"$2"; fi
}

run_fuzz() { # FILE LOG
	local name corpus seeds= t0=$SECONDS
	name=$(basename "$1") corpus=build/tests/corpus/$(basename "$1")
	mkdir -p "$corpus"
	[ -d "tests/fuzz/corpus/$name" ] && seeds=tests/fuzz/corpus/$name
	# shellcheck disable=SC2086
	if timeout -k 5 $((fuzz_seconds + 120)) $fixed "$1" -max_total_time="$fuzz_seconds" -timeout=20 \
	    -rss_limit_mb=1500 -print_final_stats=1 -artifact_prefix="$logs/$name-" "$corpus" $seeds >>"$2" 2>&1; then
		echo "ok $name $(sed -n 's/^stat::number_of_executed_units: *//p' "$2") runs in $((SECONDS - t0)) s" >>"$2"
	else
		echo "FAIL $name $(grep -m1 -E 'ERROR|SUMMARY|runtime error' "$2" | cut -c1-160)" >>"$2"
	fi
}

run_script() { # FILE LOG SECONDS
	local name work
	name=$(basename "$1" .sh) work=$PWD/build/tests/work/$(basename "$1" .sh)
	rm -rf "$work" && mkdir -p "$work"
	TEST_WORK=$work timeout -k 10 "$3" "$1" >>"$2" 2>&1 </dev/null
	local status=$?
	if [ $status -eq 124 ] || [ $status -eq 137 ]; then echo "FAIL $name took more than $3 s" >>"$2"
	elif [ $status -ne 0 ] && ! grep -q '^FAIL ' "$2"; then echo "FAIL $name exit status $status" >>"$2"
	elif ! grep -qE '^(ok|FAIL|skip) ' "$2"; then echo "FAIL $name printed no result" >>"$2"; fi
}

run_one() { # KIND FILE
	local log limit t0=$SECONDS
	log=$logs/$1-$(basename "$2" .sh).log
	: >"$log"
	limit=300
	case $1 in
	unit) run_unit "$2" "$log" "$limit" ;;
	fuzz) run_fuzz "$2" "$log" ;;
	*)
		limit=$(sed -n '1,20s/^# timeout: *\([0-9]*\).*/\1/p' "$2")
		run_script "$2" "$log" "${limit:-300}"
		;;
	esac
	local ok bad skip
	ok=$(grep -c '^ok ' "$log") bad=$(grep -c '^FAIL ' "$log") skip=$(grep -c '^skip ' "$log")
	echo "$ok $bad $skip" >"$log.sum"
	printf '%-10s %-28s %3d ok%s%s  %d s\n' "$1" "$(basename "$2" .sh)" "$ok" \
	    "$([ "$bad" -gt 0 ] && echo ", $bad FAILED")" "$([ "$skip" -gt 0 ] && echo ", $skip skipped")" $((SECONDS - t0))
	grep -E '^(FAIL|skip) ' "$log" | sed 's/^/    /'
	[ "$bad" -eq 0 ] || echo "    log: $log"
}

files_of() { # KIND: its test files
	case $1 in
	unit) for m in tests/unit/*.mk; do [ -f "$m" ] && sed -n 's|^UNIT *:= *|build/tests/unit/|p' "$m"; done ;;
	fuzz) for m in tests/fuzz/*.mk; do [ -f "$m" ] && sed -n 's|^FUZZ *:= *|build/tests/fuzz/|p' "$m"; done ;;
	component) ls tests/component/*/t_*.sh 2>/dev/null ;;
	system) ls tests/system/t_*.sh 2>/dev/null ;;
	long) ls tests/long/t_*.sh 2>/dev/null ;;
	lint) echo tests/lint.sh ;;
	esac
}

descendants() { # PID
	grep -s '^PPid:' /proc/[0-9]*/status | awk -F '[/:\t]+' -v root="$1" '
		function walk(pid, n, kid, i) {
			n = split(kids[pid], kid, " ")
			for (i = 1; i <= n; i++) { print kid[i]; walk(kid[i]) }
		}
		{ kids[$6] = kids[$6] " " $3 }
		END { walk(root) }'
}

# Programs under timeout are in groups of their own, so that a Ctrl-C does not reach them, and a guest
# takes its time.  Called only while run.sh waits: a command of its own in the foreground would hold it up.
interrupted() { # STATUS
	local all
	trap '' INT TERM HUP
	all=$(descendants $$)
	# shellcheck disable=SC2086
	kill -TERM $all 2>/dev/null
	for _ in 1 2 3 4 5; do
		sleep 0.2
		# shellcheck disable=SC2086
		kill -0 $all 2>/dev/null || break
	done
	# shellcheck disable=SC2046,SC2086
	kill -KILL $all $(descendants $$) 2>/dev/null
	echo "interrupted" >&2
	exit "$1"
}
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
trap 'interrupted 129' HUP

# The list of "kind file", and how many may run beside each other.
list=()
for arg in "${@:-all}"; do
	case $arg in
	all) for k in lint unit component system fuzz; do for f in $(files_of $k); do list+=("$k $f"); done; done ;;
	unit | fuzz | component | system | lint | long) for f in $(files_of "$arg"); do list+=("$arg $f"); done ;;
	build/tests/unit/* | t_*) list+=("unit build/tests/unit/$(basename "$arg")") ;;
	build/tests/fuzz/* | f_*) list+=("fuzz build/tests/fuzz/$(basename "$arg")") ;;
	tests/system/*) list+=("system $arg") ;;
	tests/long/*) list+=("long $arg") ;;
	*.sh) list+=("component $arg") ;;
	*) echo "run.sh: $arg: neither a kind of test nor a test file" >&2; exit 2 ;;
	esac
done
rm -f "$logs"/*.sum

jobs_max=2 running=0
for entry in "${list[@]}"; do
	kind=${entry%% *} file=${entry#* }
	if [ ! -e "$file" ]; then
		echo "$kind $file: not built"
		log=$logs/$kind-$(basename "$file" .sh).log
		echo "FAIL $(basename "$file") not built" >"$log"
		echo "0 1 0" >"$log.sum"
		continue
	fi
	alone=
	case $file in *.sh) sed -n 1,20p "$file" | grep -q '^# alone' && alone=1 ;; esac
	if [ -n "$alone" ]; then wait; running=0; run_one "$kind" "$file" & wait; continue; fi
	if [ $running -ge $jobs_max ]; then wait -n; running=$((running - 1)); fi
	run_one "$kind" "$file" &
	running=$((running + 1))
done
wait

read -r ok bad skip < <(cat "$logs"/*.sum 2>/dev/null | awk '{ o += $1; b += $2; s += $3 } END { print o + 0, b + 0, s + 0 }')
if [ "$bad" -gt 0 ]; then
	echo; echo "failed:"
	for s in "$logs"/*.sum; do grep -hs '^FAIL ' "${s%.sum}" | sed 's/^FAIL /  /'; done
fi
line="$ok passed, $bad failed"
[ "$skip" -gt 0 ] && line="$line, $skip skipped"
echo "$line"
[ "$bad" -eq 0 ] && [ "$ok" -gt 0 ]
