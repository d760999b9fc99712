#!/bin/bash
# No two boots give the same random bytes: with RDRAND, with none, with a virtio device, on every machine; also
# without the launcher's seed, which must never be what it depends on.
. tests/system/lib.sh
bake_program random
for cpu in max qemu64; do
	for machine in pc microvm; do
		card=virtio-rng-device
		[ $machine = pc ] && card=virtio-rng-pci
		for device in none $card; do
			name="-cpu $cpu $machine, device $device"
			run_guest "$work/log" --machine $machine --qemu-arg -cpu --qemu-arg $cpu \
			    $([ $device = none ] || echo --qemu-arg -device --qemu-arg $device) "$work/random.img"
			tr -d '\r' < "$work/log" > "$work/bytes"
			[ "$(grep -cE '^[0-9a-f]{32}$' "$work/bytes")" = 2 ] && ok "$name: random bytes" ||
			    { cat "$work/log"; fail "$name: status $status"; }
			cat "$work/bytes" >> "$work/all"
		done
	done
done
for i in 1 2 3; do
	timeout 30 qemu-system-x86_64 -accel tcg -cpu qemu64 -machine microvm -m 32 -nodefaults -no-user-config -vga none \
	    -display none -no-reboot -serial "file:$work/plain.$i" -kernel "$work/random.img" < /dev/null > /dev/null 2>&1
	tr -d '\r' < "$work/plain.$i" >> "$work/all"
done
n=$(grep -cE '^[0-9a-f]{32}$' "$work/all")
[ "$n" = 22 ] && ok "bytes also without a seed from the launcher" || fail "$n of 22 lines of random bytes"
[ "$(sort -u "$work/all" | wc -l)" = "$n" ] && ok "no two boots give the same" || fail "the same bytes twice"
exit $failed
