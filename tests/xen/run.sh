#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh RIG IMAGE [LINE...]: run IMAGE as a PVH guest of the Xen in RIG (rig.sh), under QEMU's
# emulation.  LINEs go to xl's configuration, such as vcpus=2 or cmdline='...'.  Prints
# what the guest prints.  Exit status: 0 it powered off, 1 it rebooted, 3 it crashed, 124 it took
# longer than $XEN_SECONDS (60), 125 no guest.  The log of Xen and domain 0: $XEN_LOG.
set -u
rig=$1 image=$2
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
job=$scratch/job
mkdir -p "$job"
cp "$image" "$job/image"
echo "${XEN_SECONDS:-60}" > "$job/seconds"
{
	# Without a UUID xl waits for random numbers, for seconds.
	echo "uuid='00000000-0000-4000-8000-000000000001'"
	printf '%s\n' "name='guest'" "type='pvh'" "kernel='/job/image'" "memory=64" "maxmem=64" "$@"
} > "$job/guest.cfg"
# A second archive behind domain 0's: both begin at multiples of four.
cp "$rig/dom0.cpio" "$scratch/initrd"
truncate -s %4 "$scratch/initrd"
(cd "$scratch" && find job | cpio --quiet -o -H newc -R 0:0) >> "$scratch/initrd"

# PVH guests want nested paging; domain 0 doesn't stand a processor with everything.
timeout -k 5 $((${XEN_SECONDS:-60} + 60)) qemu-system-x86_64 -accel tcg -cpu qemu64,+svm,+npt -m 512 \
	-nodefaults -display none -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=1 \
	-serial file:"$scratch/log" -serial stdio -kernel "$rig/xen" \
	-append "console=com1 com1=115200,8n1 loglvl=warning guest_loglvl=all dom0_mem=320M,max:320M" \
	-initrd "$rig/vmlinux console=hvc0 loglevel=4 panic=1,$scratch/initrd" < /dev/null 2> "$scratch/errors"
end=$(tr -d '\r' < "$scratch/log" | sed -n 's/^rig: end \([0-9]*\)$/\1/p' | tail -n 1)
[ -z "${XEN_LOG:-}" ] || cat "$scratch/log" "$scratch/errors" > "$XEN_LOG"
exit "${end:-125}"
