#!/bin/bash
# build.sh OUT CONF PAGE: the Linux guests that the benchmarks compare with.
#
# OUT/vmlinuz          Debian's cloud kernel
# OUT/hello.cpio       a static hello as the only program
# OUT/getppid.cpio     tests/bench/getppid.c, static
# OUT/kernel.cpio      tests/bench/kernel.c, static
# OUT/nginx.cpio       Debian's nginx and its libraries, with CONF as nginx.conf and PAGE as index.html
# OUT/nginx-xen.cpio   the same as a guest of the Xen rig, which is to be 10.0.9.2
#
# Each initramfs holds the init of init.c, one program and what that needs: no shell,
# no busybox, nothing to wait for.  Packages come from Debian's archive and are kept
# under the user's cache folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath -m "$1") conf=$(realpath "$2") page=$(realpath "$3")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kiln/linux-guest
mkdir -p "$out" "$cache"

# fetch PACKAGE: unpack it into $out/root-packages/PACKAGE, downloading when not cached.
fetch() {
	local version deb dir=$out/packages/$1
	[ -d "$dir" ] && return
	version=$(apt-cache policy "$1" | awk '/Candidate:/ { print $2 }')
	deb=$(find "$cache" -name "${1}_${version//:/%3a}_*.deb" | head -n 1)
	if [ -z "$deb" ]; then
		echo "  FETCH   $1 $version"
		(cd "$cache" && apt-get download -qq "$1")
		deb=$(find "$cache" -name "${1}_${version//:/%3a}_*.deb" | head -n 1)
	fi
	mkdir -p "$dir" && dpkg-deb -x "$deb" "$dir"
}

kernel_package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image-/ { print $2; exit }')
version=${kernel_package#linux-image-}
fetch "$kernel_package"
fetch nginx
cp "$out/packages/$kernel_package/boot/vmlinuz-$version" "$out/vmlinuz"

gcc -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -s -static -o "$out/init" "$here/init.c"
gcc -O2 -s -static -o "$out/hello" "$here/../../../packages/hello/hello.c"
gcc -O2 -s -static -o "$out/getppid" "$here/../getppid.c"
gcc -O2 -s -static -pthread -o "$out/kernel" "$here/../kernel.c"

# pack NAME MODULES PROGRAM [ARGUMENT...]: $out/root becomes $out/NAME.cpio
pack() {
	local name=$1 net=$2 root=$out/root
	shift 2
	rm -rf "$root/mod" "$root/modules"
	mkdir -p "$root/mod" "$root/dev"
	cp "$out/init" "$root/init"
	printf '%s\n' "$@" > "$root/command"
	if [ -n "$net" ]; then
		local modules=$out/packages/$kernel_package
		[ -f "$modules/lib/modules/$version/modules.dep" ] || /sbin/depmod -b "$modules" "$version"
		for top in $net; do
			/sbin/modprobe -d "$modules" -S "$version" -D "$top" | awk '/^insmod/ { print $2 }'
		done | awk '!seen[$0]++' | while read -r module; do
			cp "$module" "$root/mod/"
			basename "$module" >> "$root/modules"
		done
	fi
	(cd "$root" && find . -mindepth 1 | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) > "$out/$name.cpio"
}

rm -rf "$out/root"
mkdir -p "$out/root" && cp "$out/hello" "$out/root/hello"
pack hello "" /hello
for program in getppid kernel; do
	rm -rf "$out/root" && mkdir -p "$out/root" && cp "$out/$program" "$out/root/$program"
	pack $program "" /$program
done
rm -rf "$out/root"

binary=$out/packages/nginx/usr/sbin/nginx
root=$out/root
mkdir -p "$root"/{usr/sbin,etc/nginx,var/lib/nginx,var/log/nginx,run,tmp,lib/x86_64-linux-gnu,lib64}
cp "$binary" "$root/usr/sbin/nginx"
ldd "$binary" | awk '/=> \// { print $3 }' | while read -r lib; do cp -L "$lib" "$root/lib/x86_64-linux-gnu/"; done
cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
cp "$conf" "$root/etc/nginx/nginx.conf"
cp "$(dirname "$conf")/mime.types" "$root/etc/nginx/" 2>/dev/null || true
# The page goes where the configuration's root directive says.
www=$(awk '$1 == "root" { sub(/;$/, "", $2); print $2; exit }' "$conf")
mkdir -p "$root/$www" && cp "$page" "$root/$www/index.html"
printf 'root:x:0:0:root:/:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\nwww-data:x:33:33::/:/bin/false\n' > "$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\nnobody:x:65534:\nwww-data:x:33:\n' > "$root/etc/group"
pack nginx "virtio_pci virtio_mmio virtio_net" /usr/sbin/nginx
echo "10.0.9.2 10.0.9.1" > "$root/address"
pack nginx-xen xen-netfront /usr/sbin/nginx
rm -rf "$root"
echo "  GUEST   $out (Linux $version, nginx $(dpkg-deb -f "$(find "$cache" -name 'nginx_*.deb' | head -n 1)" Version))"
