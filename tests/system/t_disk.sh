#!/bin/bash
# Disks on QEMU: a program reads and writes /dev/vda, on every machine and with two processors; the host finds
# in the file what was written, and nothing else changed.
. tests/system/lib.sh
BAKE_OPTIONS="--with dev/disk"
bake_program disk

new_disk "$work/fresh"

for machine in microvm pc q35; do
	cpus=1
	[ $machine = pc ] && cpus=2
	name="$machine, $cpus processors"
	cp "$work/fresh" "$work/a,disk"
	run_guest "$work/log" --machine $machine -c $cpus --disk "$work/a,disk" "$work/disk.img" -- /dev/vda rw
	check_output "$name" "$work/log"
	[ $status = 0 ] && ok "$name: exit status" || fail "$name: status $status"
	grep -aq '^number 254:0' "$work/log" && ok "$name: number" || fail "$name: number"
	[ "$(dd if="$work/a,disk" bs=1 skip=3800000 count=20 2> /dev/null)" = "written by the guest" ] &&
	    ok "$name: the host finds what was written" || fail "$name: the host does not find it"
	cmp -s -i 3145728:0 -n 65536 "$work/a,disk" /dev/zero && ok "$name: what was discarded is zero" || fail "$name: discard"
	[ "$(stat -c %s "$work/a,disk")" = 8388608 ] && cmp -s -i 4194304 -n 4194204 "$work/fresh" "$work/a,disk" &&
	    ok "$name: the rest is as it was" || fail "$name: something else changed"
done

# Two disks, the second read-only and with large sectors.
cp "$work/fresh" "$work/one"
run_guest "$work/log" -c 2 --disk "$work/one" --disk "$work/fresh:ro" "$work/disk.img" -- /dev/vdb ro
check_output "read-only" "$work/log"
[ $status = 0 ] && ok "read-only: exit status" || fail "read-only: status $status"
grep -aq '^number 254:16' "$work/log" && ok "the second disk's number" || fail "the second disk's number"
cmp -s "$work/fresh" "$work/one" && ok "the other disk is untouched" || fail "the other disk was written"

cp "$work/fresh" "$work/large"
run_guest "$work/log" --qemu-arg -drive --qemu-arg "if=none,id=big,format=raw,discard=unmap,file=$work/large" --qemu-arg -device \
    --qemu-arg virtio-blk-device,drive=big,logical_block_size=4096,physical_block_size=4096 "$work/disk.img" -- /dev/vda rw
check_output "sectors of 4096 bytes" "$work/log"
[ $status = 0 ] && ok "sectors of 4096 bytes: exit status" || fail "sectors of 4096 bytes: status $status"

# A disk that fails: an error, not a hang.
printf '[inject-error]\nevent = "read_aio"\nerrno = "5"\nonce = "off"\nsector = "-1"\n' > "$work/bad.conf"
run_guest "$work/log" --qemu-arg -drive --qemu-arg "if=none,id=bad,file.driver=blkdebug,file.config=$work/bad.conf,file.image.driver=file,file.image.filename=$work/fresh,format=raw,rerror=report,readonly=on" \
    --qemu-arg -device --qemu-arg virtio-blk-device,drive=bad "$work/disk.img" -- /dev/vda ro
grep -aq 'FAIL all of it line [0-9]* errno 5' "$work/log" && [ $status = 1 ] && ok "a failing disk gives EIO" ||
    { tail -n 3 "$work/log"; fail "a failing disk: status $status"; }

run_guest "$work/log" "$work/disk.img" -- /dev/vda ro
grep -aq 'FAIL open /dev/vda: No such file' "$work/log" && ok "no disk, no name" || fail "no disk: $(tail -n 1 "$work/log")"
run_guest "$work/log" --disk "$work/absent" "$work/disk.img" -- /dev/vda ro
grep -q "disk $work/absent: No such file" "$work/log" && [ $status = 125 ] && ok "a file that is missing" || fail "a missing file: status $status"
kiln run --dry-run --machine pc --disk "$work/a,disk" --disk "$work/one:ro" "$work/disk.img" |
    grep -q "raw,discard=unmap,file=$work/a,,disk.* -device virtio-blk-pci,disable-legacy=on,drive=d0 .*readonly=on,file=$work/one.*drive=d1" &&
    ok "the command" || fail "the command"
exit $failed
