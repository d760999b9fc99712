#!/bin/bash
# Memory that runs out, calls that are not there.
. tests/system/lib.sh
bake_program exhaust
bake_program enosys

for cpus in 1 2; do
	GUEST_SECONDS=120 run_guest "$work/exhaust.log" -m 16M --cpus $cpus "$work/exhaust.img"
	[ "$status" = 0 ] || fail "exhaust on $cpus CPUs: status $status"
	check_output "$cpus-cpu" "$work/exhaust.log"
done

# Their stacks alone are 512 MB of addresses.
bake_program crowd
for cpus in 1 2; do
	GUEST_SECONDS=120 run_guest "$work/crowd.log" -m 256M --cpus $cpus "$work/crowd.img"
	[ "$status" = 0 ] || fail "crowd on $cpus CPUs: status $status"
	check_output "$cpus-cpu" "$work/crowd.log"
done

# named LOG TEXT: exactly one line of the kernel says so.
named() {
	local n
	n=$(grep -acE "^kiln: system call $2\$" "$1")
	[ "$n" = 1 ] && ok "$where: '$2' is said once" || { cat "$1"; fail "$where: '$2' is said $n times"; }
}

enosys() { # PLATFORM CPUS
	local where=$1-$2 log=$work/enosys-$1-$2.log what
	run_guest "$log" --platform "$1" --cpus "$2" "$work/enosys.img"
	[ "$status" = 0 ] || fail "$where enosys: status $status"
	check_output "$where" "$log"
	named "$log" "landlock_restrict_self is not implemented"
	n=$(grep -ac '^kiln: fork: all programs share one address space' "$log")
	[ "$n" = 1 ] && ok "$where: why there is no fork is said once" || fail "$where: why there is no fork is said $n times"
	for what in 999 -5 2147483647 987654321987 101; do
		named "$log" "number $what is not in this image"
	done
	# Trying one number after the other does not flood the console.
	n=$(grep -ac 'is not in this image' "$log")
	[ "$n" -le 16 ] && ok "$where: unknown numbers give few lines" || fail "$where: unknown numbers give $n lines"
}
enosys hw 1
enosys hw 2
BAKE_OPTIONS="--platform hosted" bake_program enosys
enosys hosted 1
enosys hosted 2
exit $failed
