#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The 8-bit library alone, for size: nginx matches bytes, and Unicode's tables would
# be a tenth of its image.  The just-in-time compiler stays off: an image has no memory
# that is writable and executable.
set -eu
source=$1 out=$2 sysroot=$3
rm -rf "$out/src" "$out/obj"
mkdir -p "$out/obj"
cp -r "$source" "$out/src"
# Debian's diff touches generated files in an order that would start autoconf.
find "$out/src" -type f -exec touch -r "$source/configure" {} +
cd "$out/obj"
CFLAGS="-Os" cross-configure ../src/configure --prefix= --disable-jit --disable-unicode --disable-pcre2-16 --disable-pcre2-32 \
	--disable-pcre2grep-libz --disable-pcre2grep-libbz2 --disable-dependency-tracking
make -j"$(nproc)" libpcre2-8.la
make install-libLTLIBRARIES install-includeHEADERS install-nodist_includeHEADERS install-pkgconfigDATA \
	lib_LTLIBRARIES=libpcre2-8.la DESTDIR="$sysroot"
rm -f "$sysroot"/lib/libpcre2-8.la
