#!/bin/bash
# The programs of the system tests on PVH guests, with one virtual CPU and with two, and what must not be possible there.
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

# boot LOG PROGRAM [ARGUMENT]: whatever its end
boot() {
	local argument=()
	[ $# -lt 3 ] || argument=("cmdline='{\"args\":[\"$3\"]}'")
	XEN_LOG=$work/$1.xen tests/xen/run.sh "$rig" "$work/$2.img" vcpus=2 "${argument[@]}" > "$work/$1"
}

sources=()
for part in tcp options events dgram unix unixroom names many; do sources+=("$here/programs/sockets_$part.c"); done
mkdir -p "$work/root/etc" "$work/root/tmp"
printf '127.0.0.1\tlocalhost\n192.0.2.33\tbakery  oven\n' > "$work/root/etc/hosts"
BAKE_OPTIONS="--platform xen -r $work/root -e HOSTS_NAME=oven -e HOSTS_ADDRESS=192.0.2.33"
bake_program sockets -D_GNU_SOURCE "${sources[@]}"
XEN_SECONDS=300 boot sockets sockets guest || fail "sockets: status $?"
check_output sockets "$work/sockets"

BAKE_OPTIONS="--platform xen"
bake_program protect -Wno-infinite-recursion -Wno-array-bounds
for what in write-text write-rodata exec-data exec-rodata exec-stack exec-mmap read-null write-null \
    write-protected overflow-main overflow-thread; do
	boot $what protect $what
	grep -qa "trying $what" "$work/$what" && ! grep -qa FAIL "$work/$what" &&
	    grep -qa "fatal signal 11 (SIGSEGV)" "$work/$what" && ok "$what is stopped by SIGSEGV" || {
		tail -n 5 "$work/$what"
		fail "$what"
	}
done
bake_program kcrash
for how in assert null overflow text jump data frame buffer spin callout interrupt; do
	boot $how kcrash $how
	status=$?
	grep -qa '^kiln: panic: ' "$work/$how" && grep -qaE '^kiln:  #0 (image\+)?0x' "$work/$how" && [ $status = 3 ] && ok "kernel crash: $how" || {
		tail -n 20 "$work/$how"
		fail "kernel crash: $how: status $status"
	}
done
bake_program random
for n in 1 2 3; do
	boot random.$n random
	tr -d '\r' < "$work/random.$n" | grep -E '^[0-9a-f]{32}$' >> "$work/bytes"
done
[ "$(wc -l < "$work/bytes")" = 6 ] && [ "$(sort -u "$work/bytes" | wc -l)" = 6 ] && ok "no two boots give the same random bytes" ||
	fail "random bytes: $(sort "$work/bytes" | uniq -d)"

# What runs elsewhere, or cannot here.
echo "skip exhaust: t_xen.sh has it, with little memory"
echo "skip disk: t_xen_disk.sh"
echo "skip net, nginx: t_xen_net.sh, from domain 0"
echo "skip hosted, grub, any: they are of other platforms; t_xen.sh has an image for any"
exit $failed
