#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [OPTION...] RIG IMAGE [LINE...]: run IMAGE as a PVH guest of the Xen in RIG (rig.sh), under
# QEMU's emulation.  LINEs go to xl's configuration, such as vcpus=2 or cmdline='...'.  Prints
# what the guest prints.  IMAGE - is none: only the hook runs.
#
#   -h HOOK     a script that domain 0's busybox runs in /job once the guest is made, with $GUEST, its
#               number, $NAME, $IP, the address that it gets or is to have, and $DOM0, the other end's
#   -f FILE     goes to /job in domain 0, under its own name
#   -x PROGRAM  goes to /bin in domain 0, with its libraries
#   -d DISK     a disk of domain 0's, /dev/vda the first; what is written to it is in DISK
#   -o DIR      gets what is in $OUT, a folder in domain 0, at the end; hook.log is the hook's output
#   -n          a network: a bridge xenbr0 with $DOM0 on it, DHCP and a web server
#
# A guest on the network wants the line vif=['bridge=xenbr0,mac=00:16:3e:00:00:02'], which
# implies -n.  For a guest's disk: disk=['format=raw,vdev=xvda,access=rw,target=/dev/vda'], or
# target=/job/FILE.  xl works in the hook, and so does making more guests.  With a hook, the
# run ends when both hook and guest have ended; at once if the hook fails.
#
# Exit status: 0 the guest powered off, 1 rebooted, 3 crashed, 4 was destroyed, 123 the hook failed, 124
# it took longer than $XEN_SECONDS (60), 125 no guest.  The log of Xen, domain 0 and the hook: $XEN_LOG.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/put.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
job=$scratch/root/job
mkdir -p "$job"
net=no out='' disks=()
while getopts h:f:x:d:o:n option; do
	case $option in
	h) cp "$OPTARG" "$job/hook" ;;
	f) cp "$OPTARG" "$job/" ;;
	x) put "$scratch/root" "$(command -v "$OPTARG")" ;;
	d) disks+=("$OPTARG") ;;
	o) out=$OPTARG ;;
	n) net=yes ;;
	*) exit 125 ;;
	esac
done
shift $((OPTIND - 1))
rig=$1 image=$2
shift 2
case "$*" in *vif=*) net=yes ;; esac

if [ "$image" != - ]; then
	cp "$image" "$job/image"
	{
		# Without a UUID xl waits for random numbers, for seconds.
		echo "uuid='00000000-0000-4000-8000-000000000001'"
		printf '%s\n' "name='guest'" "type='pvh'" "kernel='/job/image'" "memory=64" "maxmem=64" "$@"
	} > "$job/guest.cfg"
fi
if [ -n "$out" ]; then
	mkdir -p "$out"
	truncate -s 64M "$scratch/out"
	disks+=("$scratch/out")
fi
letters=abcdefgh drives=()
for disk in "${disks[@]}"; do drives+=(-drive "file=$disk,format=raw,if=virtio"); done
{
	echo "seconds=${XEN_SECONDS:-60} net=$net disks=${#disks[@]}"
	echo "out=${out:+/dev/vd${letters:${#disks[@]}-1:1}}"
} > "$job/settings"
case "$*" in *disk=*) [ "${#disks[@]}" != 0 ] || echo "disks=yes" >> "$job/settings" ;; esac
# A second archive behind domain 0's: both begin at multiples of four.
cp "$rig/dom0.cpio" "$scratch/initrd"
truncate -s %4 "$scratch/initrd"
(cd "$scratch/root" && find . -mindepth 1 | cpio --quiet -o -H newc -R 0:0) >> "$scratch/initrd"

# PVH guests want nested paging; domain 0 doesn't stand a processor with everything.
boot() {
	timeout -k 5 $((${XEN_SECONDS:-60} + 60)) qemu-system-x86_64 -accel tcg -cpu qemu64,+svm,+npt -m 768 \
		-nodefaults -display none -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=1 "${drives[@]}" \
		-serial file:"$scratch/log" -serial stdio -kernel "$rig/xen" \
		-append "console=com1 com1=115200,8n1 loglvl=warning guest_loglvl=all bootscrub=0 dom0_mem=320M,max:320M ${XEN_ARGS:-}" \
		-initrd "$rig/vmlinux console=hvc0 loglevel=4 panic=1,$scratch/initrd" < /dev/null 2> "$scratch/errors"
}
# QEMU 7.2 sometimes delivers a PVH guest's interrupt a second time before its handler's first instruction,
# which no guest can repair (docs/xen.md).  Ours ends with a line that says so: then it is not the guest
# that was tested, and the run is repeated as it began.
for ((i = 0; i < ${#disks[@]}; i++)); do cp --sparse=always "${disks[i]}" "$scratch/disk.$i"; done
for try in 1 2 3; do
	boot > "$scratch/console"
	if [ $try = 3 ] || ! grep -qa 'kiln: an interrupt while they are off' "$scratch/log"; then break; fi
	echo "run.sh: QEMU delivered an interrupt twice; once more" >&2
	for ((i = 0; i < ${#disks[@]}; i++)); do cp --sparse=always "$scratch/disk.$i" "${disks[i]}"; done
done
cat "$scratch/console"
[ -z "$out" ] || tar -xf "$scratch/out" -C "$out"
end=$(tr -d '\r' < "$scratch/log" | sed -n 's/^rig: end \([0-9]*\)$/\1/p' | tail -n 1)
[ -z "${XEN_LOG:-}" ] || cat "$scratch/log" "$scratch/errors" > "$XEN_LOG"
exit "${end:-125}"
