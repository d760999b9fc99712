#!/bin/bash
# What needs timers and interrupts between processors, on PVH guests with one virtual CPU and with two.
# timeout: 1800
. tests/system/lib.sh
rig=$PWD/build/xen-rig
sum=$(cat tests/xen/{rig,put,dom0-init,vif-bridge,block}.sh | sha256sum)
if [ "$(cat "$rig/done" 2> /dev/null)" != "$sum" ]; then
	tests/xen/rig.sh "$rig" || {
		fail "the rig cannot be built"
		exit 1
	}
	echo "$sum" > "$rig/done"
fi

BAKE_OPTIONS="--platform xen"
for program in races signals clocks; do
	bake_program $program -Wno-unused-result
	for vcpus in 1 2; do
		name="$program on $vcpus" log=$work/$program-$vcpus.log
		XEN_SECONDS=${XEN_SECONDS:-240} XEN_LOG=$log.xen tests/xen/run.sh "$rig" "$work/$program.img" vcpus=$vcpus > "$log"
		status=$?
		check_output "$name" "$log"
		[ $status = 0 ] || { tail -n 20 "$log.xen"; fail "$name: status $status"; }
	done
done
exit $failed
