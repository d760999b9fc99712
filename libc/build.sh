#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# build.sh CACHE MUSL-BUILD LIBDIR CC
# Compile libc.a and the crt files, or take them from the cache if a build of
# the same sources with the same flags and compiler is there.
set -eu
cache=$1 musl=$2 libdir=$3 cc=$4
key=$({ "$cc" --version; cat "$musl/obj/config.mak"; cd "$musl/src" && find . -type f ! -name .stamp | LC_ALL=C sort | xargs sha256sum; } |
	sed "s,$PWD,,g" | sha256sum | cut -c 1-32)
if ! (mkdir -p "$libdir" && cd "$cache/$key" 2>/dev/null && sha256sum --check --status SHA256); then
	make -s -C "$musl/obj" -j "$(nproc)" AR=ar RANLIB=ranlib 'AOBJS=$(LIBC_OBJS)' lib/libc.a lib/crt1.o lib/crti.o lib/crtn.o
	# The cache only ever gains whole entries; a read-only one is no error.
	if mkdir -p "$cache" 2>/dev/null && new=$(mktemp -d "$cache/new.XXXXXX" 2>/dev/null); then
		cp "$musl"/obj/lib/*.[ao] "$new/"
		(cd "$new" && sha256sum -- *.[ao] > SHA256)
		rm -rf "${cache:?}/$key"
		mv "$new" "$cache/$key"
		ls -dt "$cache"/*/ | tail -n +9 | xargs -r rm -rf # old ones
	fi
	cp "$musl"/obj/lib/*.[ao] "$libdir/"
else
	cp "$cache/$key"/*.[ao] "$libdir/"
fi
# What musl has in libc.a and others keep apart.
for lib in m rt pthread crypt util xnet resolv dl; do
	rm -f "$libdir/lib$lib.a"
	ar rc "$libdir/lib$lib.a"
done
