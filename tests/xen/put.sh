# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# put ROOT PROGRAM...: programs into ROOT/bin, with their libraries, which go to ROOT/lib.
# $LIBRARIES: where to look for libraries before the host's own places.
put() {
	local root=$1 program library
	shift
	mkdir -p "$root/bin" "$root/lib"
	for program; do
		cp -L "$program" "$root/bin/"
		LD_LIBRARY_PATH=${LIBRARIES:-} ldd "$program" 2> /dev/null | awk '/=> \// { print $3 }' |
			while read -r library; do
				[ -e "$root/lib/${library##*/}" ] || cp -L "$library" "$root/lib/"
			done
	done
}
