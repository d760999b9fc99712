#!/bin/bash
# A PV guest without anything around it: Xen boots the image as the kernel of its initial domain.
# timeout: 900
. tests/system/lib.sh
xen_rig xen

# boot NAME [MEGABYTES]: what it prints in $work/NAME.log.
boot() {
	local image=$work/$1.img log=$work/$1.log
	shift
	tests/xen/initial.sh "$rig" "$image" "$@" > "$log" || fail "$image: QEMU's status is $?"
}

BAKE_OPTIONS="--platform xen-pv"
bake_program status
boot status
grep -qax "ending: 0" "$work/status.log" && ok "an initial domain runs" || {
	tail -n 20 "$work/status.log"
	fail "no program ran"
}
grep -qa "Dom0 shutdown: rebooting" "$work/status.log" && ok "and ends" || fail "the initial domain did not end"
for program in threads xenpv; do
	bake_program $program
	boot $program
	check_output $program "$work/$program.log"
done
# Of the bigger ones, the page tables are more than Xen maps memory for.
for memory in 4 300 3000; do
	boot status $memory
	grep -qax "ending: 0" "$work/status.log" && ok "$memory MB" || fail "$memory MB: $(tail -n 1 "$work/status.log")"
done
exit $failed
