#!/bin/bash
# Threads, signals, timers, futexes, pipes and mappings at once while memory runs out, and whether the kernel has
# allocated the same before and after.  The test itself on the host's Linux, with little memory to take.
# STRESS_SECONDS=60 (tests/long/t_stress_long.sh): longer, and under the checks on the use of locks as well.
# timeout: 900
. tests/system/lib.sh
seconds=${STRESS_SECONDS:-10}
GUEST_SECONDS=$((seconds * 2 + 60))
native_program stress -Wextra
timeout 120 "$work/stress.native" 2 16 > "$work/native.log" 2>&1 || fail "stress fails natively"
check_output native "$work/native.log"

stress() { # NAME PLATFORM CPUS
	local log=$work/$1-$2-$3.log
	run_guest "$log" --platform "$2" --cpus "$3" -m 16M "$work/stress.img" -- "$seconds"
	[ "$status" = 0 ] || { grep -aE '^(pool|kmem|pages|kiln: (panic|  *#))' "$log"; fail "stress on $1 $2, $3 CPUs: status $status"; }
	check_output "$1$2-$3" "$log"
	if grep -aA20 'lockdebug: WRONG' "$log"; then fail "stress on $1 $2, $3 CPUs: locks"; fi
}
bake_for() { # PLATFORM
	BAKE_OPTIONS="--platform $1" bake_program stress -DKILN -I rumpcomponents/include
}
bake_for hosted
[ "$seconds" -le 10 ] || stress "" hosted 1
stress "" hosted 2
bake_for hw
for cpus in 1 2; do stress "" hw $cpus; done
if [ "$seconds" -gt 10 ]; then
	export KILN_LIB=build/lockdebug/lib/kiln
	for platform in hosted hw; do
		bake_for $platform
		stress "lockdebug-" $platform 2
	done
fi
exit $failed
