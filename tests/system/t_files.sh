#!/bin/bash
# File calls, on the root in memory and on one that lies over an image; the same program on the host.
. tests/system/lib.sh

tree=$work/root/tree
mkdir -p "$tree/dir" "$tree/small.d"
printf 'hello, world\n' > "$tree/hello"
ln -sf hello "$tree/link"
: > "$tree/empty"
echo one > "$tree/small.d/one"
for i in $(seq 0 299); do echo "f$i" > "$tree/dir/f$i"; done
yes abcdefghijklmnopqrstuvwxyz | tr -d '\n' | head -c 100000 > "$tree/big"

bake_program files
mkdir -p "$work/host" && cp -a "$tree" "$work/hosttree"
native_program files && "$work/files.native" "$work/host" "$work/hosttree" > "$work/native.log" 2>&1
check_output "on the host" "$work/native.log"

for cpus in 1 2; do
	run_guest "$work/alone.$cpus.log" --cpus $cpus -m 32M "$work/files.img" -- /tmp
	check_output "in memory, --cpus $cpus" "$work/alone.$cpus.log"
	[ $status = 0 ] || fail "in memory, --cpus $cpus: status $status"
done

BAKE_OPTIONS="--root $work/root"
bake_program files
run_guest "$work/image.log" -m 32M "$work/files.img" -- /tmp /tree
check_output "over an image" "$work/image.log"
[ $status = 0 ] || fail "over an image: status $status"

BAKE_OPTIONS="--root $work/root --platform hosted"
bake_program files
run_guest "$work/hosted.log" "$work/files.img" -- /tmp /tree
check_output "hosted" "$work/hosted.log"
[ $status = 0 ] || fail "hosted: status $status"
exit $failed
