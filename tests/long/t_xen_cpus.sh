#!/bin/bash
# The programs of the system tests on PVH guests, with one virtual CPU and with two.
# timeout: 3600
. tests/system/lib.sh
xen_rig

BAKE_OPTIONS="--platform xen"
for program in cancel clocks files leaf mlock mqueue proc races signals sysvipc threads; do
	bake_program $program -Wno-unused-result
	arguments=()
	[ $program = files ] && arguments=("cmdline='"'{"args":["/tmp"]}'"'")
	for vcpus in 1 2; do
		name="$program on $vcpus" log=$work/$program-$vcpus.log
		XEN_SECONDS=${XEN_SECONDS:-240} XEN_LOG=$log.xen tests/xen/run.sh "$rig" "$work/$program.img" vcpus=$vcpus "${arguments[@]}" > "$log"
		status=$?
		check_output "$name" "$log"
		[ $status = 0 ] || { tail -n 20 "$log.xen"; fail "$name: status $status"; }
	done
done
# What runs elsewhere, or cannot here.
echo "skip exhaust: t_xen.sh has it, with little memory"
echo "skip disk: t_xen_disk.sh"
echo "skip net, nginx: t_xen_net.sh, from domain 0"
echo "skip hosted, grub, any: they are of other platforms; t_xen.sh has an image for any"
exit $failed
