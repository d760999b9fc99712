#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# zlib's configure is its own, not autoconf's.
set -eu
source=$1 out=$2 sysroot=$3
rm -rf "$out/src"
cp -r "$source" "$out/src"
cd "$out/src"
CFLAGS="-O2" cross-configure ./configure --static --prefix= --uname=Linux
make -j"$(nproc)" libz.a
make install DESTDIR="$sysroot" mandir=/share/man
rm -rf "$sysroot/share/man"
