#!/bin/bash
# Memory that is refused, one allocation of the kernel after the other, in the flavour "lockdebug": calls fail as
# they should, nothing is lost.  On one CPU, where it is the same each time.
. tests/system/lib.sh
parts=("$here"/programs/faults_*.c)
native_program faults -Wno-unused-result "${parts[@]}" -lrt
timeout 60 "$work/faults.native" > "$work/native.log" 2>&1 || fail "faults fails natively"
check_output native "$work/native.log"

export KILN_LIB=build/lockdebug/lib/kiln
[ -e $KILN_LIB/components/kern_lockdebug.o ] || { fail "not built: make lockdebug"; exit 1; }
mkdir -p "$work/root/etc" "$work/root/tmp"
echo '127.0.0.1 localhost' > "$work/root/etc/hosts"
faults() { # PLATFORM
	local log=$work/$1.log
	BAKE_OPTIONS="--platform $1 -r $work/root" bake_program faults -w -DKILN -I rumpcomponents/include "${parts[@]}"
	GUEST_SECONDS=200 run_guest "$log" --platform "$1" -m 64M "$work/faults.img"
	check_output "$1" "$log"
	[ "$status" = 0 ] || { grep -aE -A25 '^(pool|kmem|pages|FAIL|kiln: panic)' "$log" | head -60; fail "faults on $1: status $status"; }
	if grep -aA20 'lockdebug: WRONG' "$log"; then fail "faults on $1: locks"; fi
	n=$(sed -n 's/^kiln: lockdebug: memory was refused in \([0-9]*\) places.*/\1/p' "$log")
	[ "${n:-0}" -ge 60 ] && ok "$1: memory was refused in $n places" || fail "$1: memory was refused in ${n:-no} places only"
}
faults hosted
[ -z "${FAULTS_LONG:-}" ] || faults hw
exit $failed
