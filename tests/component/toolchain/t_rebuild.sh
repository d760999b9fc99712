#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# t_rebuild.sh: make makes anew what a change concerns, also one that leaves no newer file behind:
# flags, a header of the sysroot, something that is taken away.  All in a copy of the tree.
# timeout: 120
. "$(dirname "$0")/lib.sh"
copy=$work/tree
rm -rf "$copy" && mkdir -p "$copy/build"
tar -C "$top" --exclude=./build --exclude=./.git -c . | tar -C "$copy" -x
cp -a "$top/build/sources" "$copy/build/"
cd "$copy" || exit 2

build() { make -s "$@" > out 2>&1 || { fail "make $*" "$(tail -n 3 out | tr '\n' ' ')"; finish; }; }
# remakes NAME yes|no FILE ARGUMENT...: does make with these touch FILE?
remakes() {
	local name=$1 expected=$2 file=$3 found=no
	shift 3
	touch mark && sleep 0.02
	build "$file" "$@"
	[ "$file" -nt mark ] && found=yes
	is "$name" "$expected" "$found"
}

# 1: what is taken away.
mkdir -p rumpcomponents/kern/gone
printf 'DESC := none\nPREFIX := gone_\nSRCS := gone.c\n' > rumpcomponents/kern/gone/component.mk
build build/components/index
is "a component is in the index" 1 "$(grep -c '^kern/gone|' build/components/index)"
remakes "an index that stays is left alone" no build/components/index
rm -r rumpcomponents/kern/gone
build build/components/index
is "and goes with its folder" 0 "$(grep -c '^kern/gone|' build/components/index)"
echo 'int support_gone; ' > tests/unit/support/gone.c
build build/tests/libsupport.a
is "a source is in its archive" 1 "$(ar t build/tests/libsupport.a | grep -c '^gone')"
rm tests/unit/support/gone.c
build build/tests/libsupport.a
is "and goes with its file" 0 "$(ar t build/tests/libsupport.a | grep -c '^gone')"
echo 'extern int tool_gone; int tool_gone = 1;' > app-tools/gone.c
build build/bin/kiln
rm app-tools/gone.c
remakes "a tool loses a source" yes build/bin/kiln
is "and what it held" 0 "$(nm build/bin/kiln | grep -c tool_gone)"

# 2: the sysroot's headers, and only those that change.
kern=build/obj/kern/random/random.c.o
build $kern
remakes "an object that is made is left alone" no $kern
touch libc/headers.sh
remakes "headers that come out the same compile nothing" no $kern
sed -i '$a /* changed */' build/sysroot/include/errno.h
remakes "a header of the sysroot compiles its users" yes $kern

# 3: flags.
remakes "flags of a component" yes $kern OPT=-O1
hosted=build/obj/platform/hosted/end.c.o
build $hosted
remakes "an object of a platform is left alone" no $hosted
remakes "flags of a platform" yes $hosted 'PLATFORM_CFLAGS.hosted=-fno-stack-protector -DX'

# 4: musl's objects.
build build/musl/obj/config.mak
mkdir -p build/musl/obj/obj/src build/musl/obj/lib
touch build/musl/obj/obj/src/stale.o build/musl/obj/lib/libc.a
build build/musl/obj/config.mak
check "musl's objects stay" test -e build/musl/obj/obj/src/stale.o
build build/musl/obj/config.mak 'LIBC_CFLAGS=-fPIE -g0'
check "and go with their flags" test ! -e build/musl/obj/obj/src/stale.o -a ! -e build/musl/obj/lib/libc.a

# 5: an image's root, with a stand-in for what bakes it.
mkdir -p packages/probe/root/etc build/bin
printf '#!/bin/sh\nmkdir -p "$2/root"; echo own > "$2/root/own"; : > "$2/probe"\n' > packages/probe/build.sh
chmod +x packages/probe/build.sh
printf '#!/bin/sh\nwhile [ $# -gt 1 ]; do case $1 in -o) : > "$2" ;; esac; shift; done\n' > build/bin/kiln
echo stay > packages/probe/root/etc/stay
echo go > packages/probe/root/etc/go
probe=(build/packages/probe/probe.img PACKAGE_PROGRAMS=probe PACKAGE_PREREQS= IMAGE_PREREQS=)
inside() { (cd build/packages/probe/root && find . -type f | LC_ALL=C sort | tr '\n' ' '); }
build "${probe[@]}"
is "an image's root" "./etc/go ./etc/stay ./own " "$(inside)"
remakes "an image is left alone" no "${probe[@]}"
rm packages/probe/root/etc/go
remakes "a file leaves the root" yes "${probe[@]}"
is "and the image's" "./etc/stay ./own " "$(inside)"
rm -r packages/probe/root
remakes "all of them do" yes "${probe[@]}"
remakes "an image of no files of ours is left alone" no "${probe[@]}"
finish
