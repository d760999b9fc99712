#!/bin/bash
# The programs of the system tests as PV guests of Xen, with one CPU and two, and what must not be possible there.
# timeout: 900
. tests/system/lib.sh
xen_rig xen
BAKE_OPTIONS="--platform xen-pv"

# boot LOG PROGRAM [MEGABYTES [CPUS [ARGUMENT]]]
boot() {
	local log=$work/$1 image=$work/$2.img
	shift 2
	[ -z "${3:-}" ] || set -- "$1" "$2" "{\"args\":[\"$3\"]}"
	tests/xen/initial.sh "$rig" "$image" "$@" > "$log" || fail "$image: QEMU's status is $?"
}

for program in cancel exhaust files leaf mqueue races signals sysvipc threads; do
	bake_program $program -Wno-unused-result
	for cpus in 1 2; do
		memory=32
		# It has a time to keep, and translations are flushed by interrupting an emulated CPU.
		[ $program = exhaust ] && [ $cpus = 2 ] && continue
		[ $program = exhaust ] && memory=16
		boot $program.$cpus $program $memory $cpus "$([ $program = files ] && echo /tmp)"
		check_output "$program, $cpus" "$work/$program.$cpus"
	done
done

bake_program protect -Wno-infinite-recursion -Wno-array-bounds
for what in write-text write-rodata exec-data exec-rodata exec-stack exec-mmap read-null write-null \
    write-protected overflow-main overflow-thread; do
	boot $what protect 32 2 $what
	grep -qa "trying $what" "$work/$what" && ! grep -qa FAIL "$work/$what" &&
	    grep -qa "fatal signal 11 (SIGSEGV)" "$work/$what" && ok "$what is stopped by SIGSEGV" || {
		tail -n 5 "$work/$what"
		fail "$what"
	}
done
for boot in 1 2 3; do
	boot where.$boot protect 32 2 where
done
for value in canary main stack mmap; do
	n=$(grep -ah "^$value " "$work"/where.? | sort -u | wc -l)
	[ "$n" = 3 ] && ok "$value differs between boots" || fail "$value: $n different values in 3 boots"
done

bake_program kcrash
for how in assert null overflow text jump data frame buffer spin callout interrupt; do
	boot $how kcrash 32 2 $how
	grep -qa '^kiln: panic: ' "$work/$how" && grep -qaE '^kiln:  #0 (image\+)?0x' "$work/$how" && ok "kernel crash: $how" || {
		tail -n 20 "$work/$how"
		fail "kernel crash: $how"
	}
done
exit $failed
