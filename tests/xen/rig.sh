#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# rig.sh OUT [xen]: what it takes to run guests of Xen under QEMU without virtualisation.
#
#   OUT/xen          the hypervisor, a multiboot ELF file that QEMU's -kernel loads; no more if asked for it alone
#   OUT/vmlinux      the kernel of the control domain, domain 0
#   OUT/dom0.cpio    its root: busybox, xl, xenstored, xenconsoled, modules, dom0-init.sh,
#                    and what xl calls for a guest's network interfaces and disks: vif-bridge, block
#
# All of it comes from Debian's packages, which are kept under the user's cache folder and
# unpacked, not installed.  run.sh beside this file boots the result.  A rig that is as this
# script and its files would make it stays as it is.  Exit status 3: a package cannot be fetched.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/put.sh"
out=$(realpath -m "$1")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kiln/xen-rig
tree=$out/tree root=$out/root
mkdir -p "$cache" "$out"
exec 9> "$out/lock"
flock 9
kernel=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-/ { print $2; exit }' || true)
kernel=${kernel%-unsigned}
version=${kernel#linux-image-}
packages="xen-hypervisor-4.17-amd64 xen-utils-4.17 xenstore-utils busybox-static $kernel
	libxencall1 libxendevicemodel1 libxenevtchn1 libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxenmisc4.17
	libxenstore4 libxentoolcore1 libxentoollog1 libyajl2 liblzo2-2"
# Loading takes time: only what a job needs.
modules_base="xen-evtchn xen-privcmd xen-gntdev xen-gntalloc xenfs"
modules_net="xen-netback bridge"
modules_disk="virtio_pci virtio_blk xen-blkback loop"

[ "${2:-}" = xen ] && packages=xen-hypervisor-4.17-amd64
# From this host, beside packages; xl cancels threads, for which the C library loads libgcc by name.
loader=/lib64/ld-linux-x86-64.so.2 libgcc=/lib/x86_64-linux-gnu/libgcc_s.so.1
debs=$(apt-cache policy $packages | awk '/^[^ ]/ { package = substr($1, 1, length($1) - 1) }
	$1 == "Candidate:" { gsub(":", "%3a", $2); print package "_" $2 "_amd64.deb" }')
[ "$(echo "$debs" | wc -w)" = "$(echo $packages | wc -w)" ] || {
	[ ! -f "$out/done" ] || exit 0 # as it was when apt had lists
	echo "apt-get update: not all packages are known" >&2
	exit 3
}
sum=$({ cat "$here"/{rig,put,dom0-init,vif-bridge,block}.sh "$loader" "$libgcc" && echo "$debs"; } | sha256sum)
[ "$(cat "$out/done" 2> /dev/null)" != "$sum" ] || exit 0
rm -rf "$out/done" "$tree" # of one that was interrupted
mkdir "$tree"

# fetch DEB: into the cache, which other rigs share.  A file that is there is whole.
fetch() {
	local part=$cache/part
	[ ! -f "$cache/$1" ] || return 0
	echo "  FETCH   $1"
	rm -rf "$part" # of one that was interrupted
	mkdir "$part"
	(cd "$part" && apt-get download -qq -o APT::Sandbox::User=root "${1%%_*}") && mv "$part/$1" "$cache/$1" || {
		echo "${1%%_*} cannot be fetched" >&2
		return 3
	}
	rmdir "$part"
}

exec 8> "$cache/lock"
flock 8
for deb in $debs; do fetch "$deb" || exit; done
flock -u 8
for deb in $debs; do dpkg-deb -x "$cache/$deb" "$tree"; done

gunzip -c "$tree"/boot/xen-4.17-amd64.gz > "$out/xen"
if [ "${2:-}" = xen ]; then
	rm -rf "$tree"
	echo "$sum" > "$out/done"
	exit
fi

# The ELF file within the bzImage saves unpacking it in the emulated machine (Linux's
# Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length).
image=$tree/boot/vmlinuz-$version
number() { od -An -t"u$2" -j"$1" -N"$2" "$image" | tr -d ' '; }
start=$((($(number 497 1) + 1) * 512 + $(number 584 4)))
dd if="$image" of="$out/payload" iflag=skip_bytes,count_bytes skip=$start count="$(number 588 4)" status=none
xz -dc --single-stream < "$out/payload" > "$out/vmlinux" 2> /dev/null || true # a size follows the stream
rm "$out/payload"
[ "$(head -c 4 "$out/vmlinux" | tail -c 3)" = ELF ] || cp "$image" "$out/vmlinux"

rm -rf "$root"
mkdir -p "$root"/{bin,dev,etc/xen/scripts,lib64,mod,proc,run,sys,tmp,var/lib/xen,var/lib/xenstored,var/log/xen/console}
ln -s /run "$root/var/run"
cp "$tree/bin/busybox" "$root/bin/"
for applet in $("$tree/bin/busybox" --list); do [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"; done
LIBRARIES=$tree/usr/lib/x86_64-linux-gnu
put "$root" "$tree"/usr/lib/xen-4.17/bin/{xl,libxl-save-helper,xenstored,xenconsoled,xenconsole,xen-init-dom0} \
	"$tree"/usr/bin/xenstore-{read,write,exists,list,ls,rm,watch}
mkdir -p "$root/usr/lib/xen-4.17/bin"
ln -s /bin/{xenconsole,libxl-save-helper} "$root/usr/lib/xen-4.17/bin/" # where xl looks
cp -L "$loader" "$root/lib64/"
cp -L "$libgcc" "$root/lib/"

[ -f "$tree/lib/modules/$version/modules.dep" ] || /sbin/depmod -b "$tree" "$version"
for set in base net disk; do
	modules=modules_$set
	for module in ${!modules}; do
		/sbin/modprobe -d "$tree" -S "$version" -D "$module" | awk '/^insmod/ { print $2 }'
	done | awk '!seen[$0]++' | while read -r file; do
		name=$(basename "$file" .xz)
		case $file in
		*.xz) xz -dc "$file" > "$root/mod/$name" ;;
		*) cp "$file" "$root/mod/$name" ;;
		esac
		echo "$name" >> "$root/mod/$set"
	done
done
printf 'autoballoon="off"\nlockfile="/run/xl.lock"\n' > "$root/etc/xen/xl.conf"
install -m 755 "$here/dom0-init.sh" "$root/init"
install -m 755 "$here/vif-bridge.sh" "$root/etc/xen/scripts/vif-bridge"
install -m 755 "$here/block.sh" "$root/etc/xen/scripts/block"
echo "http 80/tcp" > "$root/etc/services" # for wrk
(cd "$root" && find . -mindepth 1 | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) > "$out/dom0.cpio"
rm -rf "$root" "$tree"
echo "$sum" > "$out/done"
