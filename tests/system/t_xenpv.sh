#!/bin/bash
# A PV guest without anything around it: Xen boots the image as the kernel of its initial domain.
. tests/system/lib.sh
xen=$PWD/build/xen-hypervisor
if [ ! -f "$xen/xen" ] && ! tests/xen/rig.sh "$xen" xen > "$work/fetch.log" 2>&1; then
	echo "skip xenpv: Xen's package cannot be fetched: $(tail -n 1 "$work/fetch.log")"
	exit 0
fi

# boot NAME [MEGABYTES]: what it prints in $work/NAME.log.  The end of the initial domain is a restart of the machine.
boot() {
	local memory=${2:-32}
	timeout -k 5 "${GUEST_SECONDS:-60}" qemu-system-x86_64 -accel tcg -cpu qemu64 -smp 2 -m $((memory + 500)) -nodefaults -display none \
		-no-reboot -serial stdio -kernel "$xen/xen" \
		-append "console=com1 com1=115200,8n1 loglvl=warning dom0_mem=${memory}M" \
		-initrd "$work/$1.img" < /dev/null 2>&1 | tr -d '\r' > "$work/$1.log"
	status=${PIPESTATUS[0]}
	[ "$status" = 0 ] || fail "$1: QEMU's status is $status"
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
